"""Decisions carry the scores of the models online, whose versions change while payments flow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest

from riskwave.backtest.explain import explain
from riskwave.backtest.replay import replay
from riskwave.engine.engine import Engine
from riskwave.project import compiled_project
from riskwave.scoring.function import open_scorer, register, unregister
from riskwave.scoring.history import read_history
from riskwave.scoring.scorer import Scorer
from riskwave.scoring.train import Plan, fit, prepare
from riskwave.simulator import simulate
from riskwave.simulator.bank import SimulatedBank
from tests.scoring.served import file_of, serve

pytestmark = pytest.mark.xdist_group("scored")


@pytest.fixture(scope="module")
def bank() -> SimulatedBank:
    return simulate(3_000, 31, fraud_share=0.08)


@pytest.fixture(scope="module")
def files(bank: SimulatedBank, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Two versions, learned from what an engine without a model has decided."""
    state = tmp_path_factory.mktemp("scored") / "learned.duckdb"
    engine = Engine(state, scoring=open_scorer(state.parent))
    engine.add_facts("card_profiles", bank.profiles)
    engine.add_facts("devices", bank.devices)
    engine.process(bank.arrivals.rows(0, len(bank.arrivals)), labels=bank.labels)
    engine.close()
    prepared = prepare(read_history([str(state)]), Plan("boosting"))
    return {
        version: file_of(fit(prepared, Plan("boosting", params={"rounds": rounds})), version)
        for version, rounds in {"1.0.0": 15, "1.1.0": 30}.items()
    }


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
