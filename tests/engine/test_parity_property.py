"""One batch = any split = the join form = the OVER form = any order of arrival = a restart anywhere.

What is compared with is the models' SQL as written, over everything at once.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from riskwave.contracts import CardProfile, Device
from riskwave.engine.engine import Engine
from riskwave.engine.plan import make_plan
from riskwave.engine.state import read_offsets
from riskwave.project import compiled_project
from tests.engine.batch import batch
from tests.engine.compared import assert_same
from tests.engine.streams import LONGEST, Stream, streams, typed

#: A few each time; PARITY_EXAMPLES=500 to search for longer.
EXAMPLES = int(os.environ.get("PARITY_EXAMPLES", "8"))
FEW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)
#: Streams in one engine follow one another at this distance, so that none is in another's windows.
APART = LONGEST + timedelta(days=100)


class Lab:
    """Engines that many streams go through, one after another, each with keys of its own."""

    def __init__(self) -> None:
        self.project = compiled_project()
        self.plan = make_plan(self.project)
        self._engines: dict[str, Engine] = {}
        self._number = itertools.count()

    def engine(self, form: str) -> Engine:
        if form not in self._engines:
            self._engines[form] = Engine(":memory:", plan=self.plan, form=form)
        return self._engines[form]

    def place(self, stream: Stream) -> Stream:
        number = next(self._number) % 150
        if number == 0:
            self.close()
        return stream.apart(f"s{number}.", number * APART)

    @contextmanager
    def following(self, stream: Stream) -> Iterator[Stream]:
        """The stream with keys and times of its own; when it fails, the next one has new engines."""
        try:
            yield self.place(stream)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let the engines go: the next stream starts with new ones."""
        while self._engines:
            self._engines.popitem()[1].close()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    lab = Lab()
    yield lab
    lab.close()


@st.composite
def splits(draw: st.DrawFn) -> list[float]:
    """Ends of batches, as shares of a stream; the last is its end."""
    return sorted(draw(st.sets(st.integers(1, 9), max_size=4)) | {10})


def run(
    engine: Engine,
    stream: Stream,
    ends: list[float],
    order: list[int] | None = None,
    *,
    facts_at: int = 0,
    wait: bool = True,
) -> None:
    """A stream through an engine in batches; labels come with the batch that is due, facts before batch `facts_at`."""
    for number in range(len(ends)):
        if number == min(facts_at, len(ends) - 1):
            add_facts(engine, stream)
        step(engine, stream, ends, number, order, wait=wait)
    finish(engine, stream)


def add_facts(engine: Engine, stream: Stream) -> None:
    engine.add_facts("card_profiles", typed(CardProfile, stream.profiles))
    engine.add_facts("devices", typed(Device, stream.devices))


def step(
    engine: Engine, stream: Stream, ends: list[float], number: int, order: list[int] | None = None, *, wait: bool = True
) -> None:
    """One batch; without `wait` the next may be computed before it is written."""
    raw = stream.raw(order)
    first, last = (ends[number - 1] / 10 if number else 0.0), ends[number] / 10
    start, end = round(first * raw.num_rows), round(last * raw.num_rows)
    part, labels, offsets = raw.slice(start, end - start), stream.labels_upto(first, last), {"payments": {0: end}}
    if wait:
        engine.process(part, labels=labels, offsets=offsets)
    else:
        engine.decide(engine.stager.stage(part), labels=labels, offsets=offsets)


def finish(engine: Engine, stream: Stream) -> None:
    engine.process(stream.raw().slice(0, 0), labels=stream.labels_upto(1.0, 2.0))


def events_of(stream: Stream) -> str:
    names = {row["event_id"] for row in stream.deliveries if row.get("event_id")}
    return "event_id in (" + ", ".join(f"'{name}'" for name in sorted(names)) + ")"


def rejected(connection: Any, raw: pa.Table) -> list[tuple[Any, ...]]:
    """Rejected deliveries among the raw rows, by what they were."""
    texts = {text.replace(b"4111111111111111", b"************1111") for text in raw.column("raw").to_pylist()}
    rows = connection.execute("select event_id, reject_reason, raw from rejected_events").fetchall()
    return sorted((row for row in rows if row[2] in texts), key=repr)


def orders(stream: Stream) -> st.SearchStrategy[list[int]]:
    """Orders of arrival in which deliveries of one event keep theirs: the first one stays the one that counts."""

    def kept(order: list[int]) -> list[int]:
        places: dict[str, list[int]] = {}
        for place in sorted(order):
            places.setdefault(str(stream.deliveries[place].get("event_id")), []).append(place)
        return [places[str(stream.deliveries[place].get("event_id"))].pop(0) for place in order]

    return st.permutations(range(len(stream.deliveries))).map(kept)


@given(st.data())
@FEW
def test_any_split_any_form_any_order(lab: Lab, data: st.DataObject) -> None:
    with lab.following(data.draw(streams())) as stream:
        raw = stream.raw()
        wanted = batch(lab.project, stream.landed())
        expected = rejected(wanted, raw)

        engine = lab.engine("join")
        run(engine, stream, data.draw(splits()), facts_at=data.draw(st.integers(0, 2)))
        assert_same(engine, wanted, where=events_of(stream))
        assert rejected(engine.connection, raw) == expected

        over = lab.engine("over")
        run(over, stream, data.draw(splits()), wait=data.draw(st.booleans()))
        assert_same(over, wanted, where=events_of(stream))

        shuffled = lab.engine("auto")
        order = data.draw(orders(stream))
        run(shuffled, stream, data.draw(splits()), order, wait=data.draw(st.booleans()))
        assert_same(shuffled, wanted, where=events_of(stream), ignore=frozenset({"source_offset"}))
        assert rejected(shuffled.connection, raw) == expected


@given(st.data())
@settings(FEW, max_examples=max(EXAMPLES // 3, 1))
def test_closed_and_opened_again_anywhere(lab: Lab, data: st.DataObject) -> None:
    stream = data.draw(streams())
    ends = data.draw(splits())
    with TemporaryDirectory() as folder:
        path = Path(folder) / "state.duckdb"
        engine = Engine(path, plan=lab.plan)
        add_facts(engine, stream)
        for number in range(len(ends)):
            if data.draw(st.booleans()):
                engine.close()
                engine = Engine(path, plan=lab.plan)
            step(engine, stream, ends, number)
        finish(engine, stream)
        assert_same(engine, batch(lab.project, stream.landed()))
        assert read_offsets(engine.connection, "payments") == {0: len(stream.deliveries)}
        engine.close()
