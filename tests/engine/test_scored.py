"""Decisions carry the scores of the models online, whose versions change while payments flow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from riskwave.backtest.explain import explain
from riskwave.backtest.replay import replay
from riskwave.engine.engine import Engine
from riskwave.errors import RiskwaveError
from riskwave.project import compiled_project
from riskwave.scoring.algorithms.base import OnScale
from riskwave.scoring.function import open_scorer, register, unregister
from riskwave.scoring.history import read_history
from riskwave.scoring.report import report
from riskwave.scoring.rescore import rescore
from riskwave.scoring.scorer import Scorer
from riskwave.scoring.train import Plan, fit, prepare
from riskwave.simulator import simulate
from riskwave.simulator.bank import SimulatedBank
from tests.scoring.served import file_of, renumbered, serve

pytestmark = pytest.mark.xdist_group("scored")


@pytest.fixture(scope="module")
def bank() -> SimulatedBank:
    return simulate(3_000, 31, fraud_share=0.08)


@pytest.fixture(scope="module")
def files(bank: SimulatedBank, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A version learned from what an engine without a model has decided, and a harsher one."""
    state = tmp_path_factory.mktemp("scored") / "learned.duckdb"
    engine = Engine(state, scoring=open_scorer(state.parent))
    engine.add_facts("card_profiles", bank.profiles)
    engine.add_facts("devices", bank.devices)
    engine.process(bank.arrivals.rows(0, len(bank.arrivals)), labels=bank.labels)
    engine.close()
    prepared = prepare(read_history([str(state)]), Plan("boosting"))
    model = fit(prepared, Plan("boosting", params={"rounds": 15}))
    # The other one thinks worse of everybody: some decisions must differ.
    harsh = replace(model, trained=OnScale(model.trained, 2.0))
    return {"1.0.0": file_of(model, "1.0.0"), "1.1.0": file_of(harsh, "1.1.0")}


@pytest.fixture
def engine(tmp_path: Path, files: dict[str, bytes]) -> Iterator[Engine]:
    serve(tmp_path / "online", files, online=("1.0.0",))
    engine = Engine(tmp_path / "state.duckdb", scoring=open_scorer(tmp_path / "online"))
    yield engine
    engine.close()


def test_decisions_say_what_the_model_says_of_what_was_known(
    engine: Engine, bank: SimulatedBank, files: dict[str, bytes], tmp_path: Path
) -> None:
    for start in range(0, 2_000, 400):
        engine.process(bank.arrivals.rows(start, 400))
    joined = "from decision_input as k join decisions as d using (event_id, version) order by event_id"
    known = engine.connection.sql(f"select k.* {joined}").to_arrow_table()
    said = engine.connection.sql(
        f"select d.model_score, d.model_version, d.degraded, d.shadow_scores {joined}"
    ).to_arrow_table()
    assert said.num_rows >= 2_000
    assert np.abs(said["model_score"].to_numpy() - Scorer(files["1.0.0"]).score(known)).max() < 1e-6
    assert said["model_version"].unique().to_pylist() == ["card 1.0.0"]
    assert said["degraded"].unique().to_pylist() == [False]
    # And as a batch's SQL has them.
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        register(connection, open_scorer(tmp_path / "online"))
        connection.register("decision_input", known)
        batch = connection.sql(
            f"select * from ({compiled_project().models['int_scored'].sql}) order by event_id"
        ).to_arrow_table()
        unregister(connection)
    assert batch["model_score"].to_pylist() == said["model_score"].to_pylist()


def test_a_version_takes_over_between_two_batches_and_replays_count_what_was_recorded(
    engine: Engine, bank: SimulatedBank, files: dict[str, bytes], tmp_path: Path
) -> None:
    engine.process(bank.arrivals.rows(0, 1_000))
    serve(tmp_path / "online", files, online=("1.0.0",), canary="1.1.0", share=0.4, shadows=("1.1.0",))
    engine.ruling.settle()
    engine.process(bank.arrivals.rows(1_000, 1_000))
    serve(tmp_path / "online", files, online=("1.1.0",))
    engine.ruling.settle()
    engine.process(bank.arrivals.rows(2_000, 1_000))
    found = engine.connection.execute(
        "select model_version, count(*), count(model_score), count_if(degraded), count_if(len(shadow_scores) > 0) "
        "from decisions group by 1 order by 1"
    ).fetchall()
    assert [row[0] for row in found] == ["card 1.0.0", "card 1.1.0"]
    assert all(row[1] == row[2] and row[3] == 0 for row in found)
    assert 0 < sum(row[4] for row in found) < sum(row[1] for row in found)
    events = engine.connection.execute(
        "select event_id from decisions where list_contains(rule_ids, 'model_score_challenges') limit 1"
    ).fetchall()
    engine.drain()
    engine.close()
    again = replay(tmp_path / "state.duckdb")
    assert again.decisions == sum(row[1] for row in found)
    assert again.differing == 0
    for (event_id,) in events:
        assert explain(tmp_path / "state.duckdb", event_id).agrees


def test_looking_back_decides_as_another_version_online_would_have(
    engine: Engine, bank: SimulatedBank, files: dict[str, bytes], tmp_path: Path
) -> None:
    engine.process(bank.arrivals.rows(0, 3_000), labels=bank.labels)
    engine.close()
    state = tmp_path / "state.duckdb"
    same = rescore(state, [Scorer(files["1.0.0"])])
    assert (same.decisions, same.changed, same.moves) == (3_000, 0, ())

    serve(tmp_path / "other", files, online=("1.1.0",))
    other = Engine(tmp_path / "other.duckdb", scoring=open_scorer(tmp_path / "other"))
    other.process(bank.arrivals.rows(0, 3_000), labels=bank.labels)
    other.close()
    actions = "select event_id, version, action from decisions order by all"
    with duckdb.connect(str(state)) as mine, duckdb.connect(str(tmp_path / "other.duckdb")) as theirs:
        was, now = mine.execute(actions).fetchall(), theirs.execute(actions).fetchall()
        first = mine.execute("select min(event_ts), max(event_ts) from decisions").fetchall()[0]
    changed = {(one[0], one[2], two[2]) for one, two in zip(was, now, strict=True) if one != two}
    found = rescore(state, [Scorer(files["1.1.0"])], most=3_000)
    assert {(one.event_id, one.was_action, one.action) for one in found.examples} == changed
    assert found.changed == len(changed) > 0
    assert sum(move[2] for move in found.moves) == len(changed)

    middle = first[0] + (first[1] - first[0]) / 2
    halves = [rescore(state, [Scorer(files["1.1.0"])], **part) for part in ({"end": middle}, {"start": middle})]
    assert sum(half.changed for half in halves) == found.changed
    assert sum(half.decisions for half in halves) == 3_000
    with pytest.raises(RiskwaveError, match="2 weights for 1 versions"):
        rescore(state, [Scorer(files["1.1.0"])], weights=[1, 2])


def test_a_report_compares_canary_and_shadow_with_the_champion(
    engine: Engine, bank: SimulatedBank, files: dict[str, bytes], tmp_path: Path
) -> None:
    serve(tmp_path / "online", files, online=("1.0.0",), canary="1.1.0", share=0.3, shadows=("1.1.0",))
    engine.ruling.settle()
    engine.process(bank.arrivals.rows(0, 3_000), labels=bank.labels)
    engine.close()
    state = tmp_path / "state.duckdb"
    made = report(state, {"card 1.0.0": 0.5, "card 1.1.0": 0.5}, mature_days=0.0)
    with duckdb.connect(str(state)) as connection:
        wanted = connection.execute(
            "select model_version, count(*), count(distinct card_id), count(f.event_id), count_if(action <> 'allow'), "
            "count_if(action <> 'allow' and f.event_id is not null), count_if(model_score >= 0.5) from decisions as d "
            "left join (select distinct event_id from labels where verdict = 'fraud') as f on d.event_id = f.event_id "
            "where version = 1 group by 1 order by 1"
        ).fetchall()
    told = [(s.version, s.events, s.cards, s.frauds, s.acted, s.acted_frauds, s.flagged) for s in made.sides]
    assert told == wanted
    assert [one.kind for one in made.compared] == ["canary", "shadow"]
    canary, shadow = made.compared
    assert canary.challenger.version == shadow.challenger.version == "card 1.1.0"
    assert shadow.champion.events == shadow.challenger.events == made.sides[0].events
    p_values = [canary.p_recall, canary.p_recall_cards, canary.p_false_cards, shadow.p_recall_cards]
    assert all(p is None or 0 < p <= 1 for p in p_values)
    with pytest.raises(RiskwaveError, match="was scored by a model"):
        report(state, {}, mature_days=400)


def test_a_model_update_that_changes_nothing_changes_no_decision(
    bank: SimulatedBank, files: dict[str, bytes], tmp_path: Path
) -> None:
    """1.0.1 is 1.0.0 under another number: published halfway, it decides as if it had not been."""
    again = {"1.0.0": files["1.0.0"], "1.0.1": renumbered(files["1.0.0"], "1.0.1")}
    decided = []
    for updated in (False, True):
        folder = tmp_path / f"updated-{updated}"
        serve(folder / "online", again, online=("1.0.0",))
        engine = Engine(folder / "state.duckdb", scoring=open_scorer(folder / "online"))
        engine.process(bank.arrivals.rows(0, 700))
        if updated:
            serve(folder / "online", again, online=("1.0.1",))
            engine.ruling.settle()
        engine.process(bank.arrivals.rows(700, 700))
        versions = engine.connection.execute("select distinct model_version from decisions order by 1").fetchall()
        assert versions == ([("card 1.0.0",), ("card 1.0.1",)] if updated else [("card 1.0.0",)])
        sql = "select * exclude (decided_at, model_version) from decisions order by event_id, version"
        rows = engine.connection.sql(sql).to_arrow_table()
        engine.close()
        reasons = [[text.replace("1.0.1", "1.0.0") for text in texts] for texts in rows["reasons"].to_pylist()]
        decided.append((rows.drop_columns(["reasons"]), reasons))
    assert decided[0][0].equals(decided[1][0])
    assert decided[0][1] == decided[1][1]
