"""A payment is one fraud, of its first label by arrival, in whatever order labels are given, restarts or not."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from riskwave.engine.engine import Engine
from riskwave.engine.plan import make_plan
from riskwave.project import compiled_project
from tests.engine.batch import batch
from tests.engine.compared import assert_same
from tests.engine.streams import Stream

START = datetime(2026, 1, 1, 12)
DAYS = [0, 0, 1, 3, 31, 36]  # of payments; the labelled ones are the first three

#: Labels in the order they are given: payment, verdict, days after the first payment, after how many batches.
Given = list[tuple[int, str, int, int]]
labels = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from(["fraud", "fraud", "legitimate"]), st.integers(0, 34), st.integers(0, 3)
    ),
    max_size=8,
)


def _stream(given_labels: Given) -> Stream:
    payments = [
        {
            "event_id": f"e{number}",
            "event_ts": START + timedelta(days=day),
            "card_id": "c",
            "amount_minor": 1000,
            "currency": "EUR",
            "merchant_id": "m",
            "ip": "10.0.0.1",
            "received_at": START + timedelta(days=60),
        }
        for number, day in enumerate(DAYS)
    ]
    rows = [
        ({"event_id": f"e{event}", "verdict": verdict, "arrived_at": START + timedelta(days=day)}, after / 3)
        for event, verdict, day, after in given_labels
    ]
    return Stream(payments, rows, [], [])


@given(labels, st.booleans())
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example([(0, "fraud", 2, 0), (0, "fraud", 4, 2)], False)  # said twice
@example([(0, "fraud", 33, 0), (0, "fraud", 2, 0), (0, "fraud", 1, 2)], False)  # an earlier one given later
@example([(0, "fraud", 5, 1), (0, "fraud", 2, 2), (0, "fraud", 9, 3)], True)  # and a restart between them
def test_the_first_label_counts(given_labels: Given, restart: bool) -> None:
    stream = _stream(given_labels)
    project = compiled_project()
    plan = make_plan(project)
    raw = stream.raw()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "state.duckdb"
        engine = Engine(path, plan=plan)
        for part in range(3):
            if restart and part:
                engine.close()
                engine = Engine(path, plan=plan)
            engine.process(raw.slice(part * 2, 2), labels=stream.labels_upto(part / 3, (part + 1) / 3))
        engine.process(raw.slice(0, 0), labels=stream.labels_upto(1.0, 2.0))
        assert_same(engine, batch(project, stream.landed()))
        engine.close()
