import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskwave.errors import RiskwaveError
from riskwave.simulator import SimulatedBank
from riskwave.simulator.events import SCENARIOS
from riskwave.simulator.report import AUC_LIMIT, report
from riskwave.simulator.report.auc import auc
from riskwave.simulator.report.windows import Keyed

NUMBERS = st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, float("nan")]), min_size=1, max_size=12)


def test_no_single_feature_gives_an_attack_away(bank: SimulatedBank, tidy_bank: SimulatedBank) -> None:
    for each in (bank, tidy_bank):
        lines = report(each)
        assert [line.scenario for line in lines] == list(SCENARIOS)
        for line in lines:
            assert line.holds, line
            assert line.scenario == "card_testing" or line.auc <= AUC_LIMIT, line


def test_report_tells_events_episodes_and_money(tidy_bank: SimulatedBank) -> None:
    lines = report(tidy_bank, best=3)
    assert sum(line.episodes for line in lines) == tidy_bank.episodes
    for line in lines:
        assert line.money_minor > 0
        assert len(line.best) == 3
        assert line.best[0][1] >= line.best[1][1] >= line.best[2][1] > 0.5


def test_made_features_are_tried_too(tidy_bank: SimulatedBank, tmp_path: Path) -> None:
    labels = {row["event_id"]: row["scenario"] for row in tidy_bank.labels.to_pylist()}
    ids = tidy_bank.transactions["event_id"].to_pylist()
    oracle = [labels.get(i) == "counterfeit" for i in ids]
    made = pa.table({"event_id": ids, "oracle": oracle, "text": ids})
    pq.write_table(made, tmp_path / "decisions.parquet")
    lines = {line.scenario: line for line in report(tidy_bank, tmp_path / "decisions.parquet")}
    assert lines["counterfeit"].best[0] == ("made.oracle", 1.0)
    assert not lines["counterfeit"].holds
    assert lines["device_farm"].holds


def test_made_features_that_do_not_fit_are_explained(tidy_bank: SimulatedBank, tmp_path: Path) -> None:
    path = tmp_path / "decisions.parquet"
    with pytest.raises(RiskwaveError, match="cannot be read as Parquet"):
        report(tidy_bank, path)
    pq.write_table(pa.table({"id": ["a"]}), path)
    with pytest.raises(RiskwaveError, match="no column event_id; it has id"):
        report(tidy_bank, path)
    pq.write_table(pa.table({"event_id": ["a"], "x": [1.0]}), path)
    with pytest.raises(RiskwaveError, match="knows none of these events"):
        report(tidy_bank, path)


@given(NUMBERS, NUMBERS)
def test_auc_is_the_chance_to_tell_two_apart(positive: list[float], negative: list[float]) -> None:
    def rank(x: float) -> float:
        return -1.0 if math.isnan(x) else x

    pairs = [(rank(p) > rank(n)) + 0.5 * (rank(p) == rank(n)) for p in positive for n in negative]
    chance = float(np.mean(pairs))
    assert auc(np.array(positive), np.array(negative)) == pytest.approx(max(chance, 1 - chance))


def test_auc_of_nothing_is_a_coin() -> None:
    assert auc(np.array([]), np.array([1.0])) == 0.5


EVENTS = st.lists(
    st.tuples(st.integers(-1, 2), st.integers(0, 40), st.integers(-1, 3), st.integers(0, 9)),
    min_size=1,
    max_size=40,
)


@given(EVENTS, st.integers(0, 20))
def test_windows_count_what_a_loop_counts(events: list[tuple[int, int, int, int]], span: int) -> None:
    key, second, value, amount = (np.array(column) for column in zip(*events, strict=True))
    keyed = Keyed(key, second * 1_000_000)
    for row in range(len(events)):
        inside = (key == key[row]) & (second <= second[row]) & (second >= second[row] - span) & (key[row] >= 0)
        assert keyed.count(span)[row] == inside.sum()
        assert keyed.sum(amount, span)[row] == amount[inside].sum()
        assert keyed.distinct(value, span)[row] == len({v for v in value[inside] if v >= 0})


@given(EVENTS)
def test_the_event_before_is_the_last_earlier_one_of_the_key(events: list[tuple[int, int, int, int]]) -> None:
    key, second, _, _ = (np.array(column) for column in zip(*events, strict=True))
    keyed = Keyed(key, second * 1_000_000)
    order = sorted(range(len(events)), key=lambda row: (second[row], row))
    for place, row in enumerate(order):
        earlier = [other for other in order[:place] if key[other] == key[row]]
        assert keyed.previous()[row] == (earlier[-1] if earlier and key[row] >= 0 else -1)
        assert keyed.number()[row] == len(earlier)
