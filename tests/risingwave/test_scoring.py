"""risk_score on RisingWave, from a real scoring server: DuckDB's numbers, and decisions that go on without it."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from riskwave.batch.batch import batch_of_inputs
from riskwave.risingwave.dsn import deployment_address
from riskwave.risingwave.scoring import scored_by
from riskwave.risingwave.server import connected
from riskwave.rules.columns import MODEL_COLUMNS, rule_columns
from riskwave.rules.emit import Emitter
from riskwave.run.cli import open_inputs
from riskwave.scoring.history import History, read_history
from riskwave.scoring.scorer import Scorer
from riskwave.scoring.train import Plan, fit, prepare
from tests.risingwave.deployment import Deployment
from tests.scoring.served import file_of, serve, serving
from tests.support.processes import free_port, wait_until

pytestmark = pytest.mark.xdist_group("risingwave")

LITERAL = Emitter("risingwave", str, str, lambda name, column: name).literal
COLUMNS = [name for name, column in rule_columns().items() if column not in MODEL_COLUMNS]
EVENTS = 300


@dataclass
class Scored:
    """The project deployed with a scoring server, the model it has, and events whose features are known."""

    deployment: Deployment
    folder: Path
    port: int
    file: bytes
    history: History
    server: subprocess.Popen[str]

    def decide(self, rows: pa.Table, prefix: str) -> dict[str, dict[str, Any]]:
        """Rows as what was known, their event_id behind a prefix, and the decisions about them."""
        values = ", ".join(
            "(" + ", ".join("null" if row[name] is None else LITERAL(row[name]) for name in COLUMNS) + ")"
            for row in ({**row, "event_id": f"{prefix}{row['event_id']}"} for row in rows.to_pylist())
        )
        self.deployment.change(f"insert into decision_input ({', '.join(COLUMNS)}) values {values}")
        query = f"select * from decisions where event_id like '{prefix}%'"
        wait_until(lambda: len(self.deployment.rows(query)) >= rows.num_rows, limit_s=60, what=f"decisions on {prefix}")
        return {row["event_id"].removeprefix(prefix): row for row in self.deployment.rows(query)}


@pytest.fixture(scope="module")
def scored(risingwave: str, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scored]:
    scratch = tmp_path_factory.mktemp("scored")
    inputs = open_inputs("sim:?events=4000&seed=5&fraud-share=0.06", None, None, None, None, follow=False)
    assert inputs.labels is not None
    batch_of_inputs(
        inputs.source,
        scratch / "bank.duckdb",
        labels=inputs.labels[1],
        profiles=inputs.profiles,
        devices=inputs.devices,
    )
    history = read_history([str(scratch / "bank.duckdb")])
    file = file_of(fit(prepare(history, Plan("boosting")), Plan("boosting", params={"rounds": 20})), "1.0.0")
    serve(scratch / "online", {"1.0.0": file}, online=("1.0.0",), shadows=("1.0.0",))
    port = free_port()
    with serving(scratch / "online", port) as (process, address):
        schema = f"test_{uuid.uuid4().hex[:8]}"
        deployment = Deployment(risingwave, kafka, schema, scratch, scoring_server=f"http://{address}")
        deployment.create_topics()
        deployment.dbt("run")
        yield Scored(deployment, scratch / "online", port, file, history, process)
        deployment.drop()


def test_scores_are_duckdb_s_and_go_on_without_the_server(scored: Scored) -> None:
    with connected(deployment_address(scored.deployment.target)) as server:
        assert scored_by(server) == "card 1.0.0"
    rows = scored.history.events.slice(0, EVENTS)
    wanted = dict(zip(rows["event_id"].to_pylist(), Scorer(scored.file).score(rows), strict=True))
    found = scored.decide(rows, "a-")
    assert set(found) == set(wanted)
    assert {row["model_version"] for row in found.values()} == {"card 1.0.0"}
    assert not any(row["degraded"] for row in found.values())
    assert all(len(row["shadow_scores"]) == 1 for row in found.values())
    gaps = [abs(row["model_score"] - wanted[event]) for event, row in found.items()]
    assert np.max(gaps) < 1e-6

    scored.server.kill()
    scored.server.wait(30)
    alone = scored.decide(rows.slice(0, 50), "b-")
    assert all(row["degraded"] and row["model_score"] is None for row in alone.values())
    assert len(alone) == 50

    with serving(scored.folder, scored.port):
        turn = 0

        def is_back() -> bool:
            nonlocal turn
            turn += 1
            again = scored.decide(rows.slice(0, 1), f"c{turn}-")
            return not any(row["degraded"] for row in again.values())

        wait_until(is_back, limit_s=5, what="scores after the server's return")
