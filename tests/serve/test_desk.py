"""Whether a request would be too late, and what is done with it then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskwave.engine.plan import make_plan
from riskwave.engine.stager import Stager
from riskwave.project import compiled_project
from riskwave.serve.desk import REQUESTS, Ask, Desk
from riskwave.serve.pace import Pace
from riskwave.serve.problems import ProblemError
from riskwave.serve.pulse import EVERY_S, Pulse
from riskwave.serve.settings import Settings
from tests.support.processes import wait_until


@pytest.fixture(scope="module")
def stager() -> Iterator[Stager]:
    made = Stager(make_plan(compiled_project()))
    yield made
    made.close()


@pytest.fixture
def desk(stager: Stager) -> Desk:
    return Desk(stager, Settings(queue=50), first=7)


def _ask(name: str, seconds: float) -> Ask:
    body = (
        b'{"event_id": "%s", "event_ts": "2026-03-01T12:00:00Z", "card_id": "c", "amount_minor": 1, "currency": "EUR"}'
    )
    return Ask(name, body.replace(b"%s", name.encode()), time.monotonic() + seconds, time.time_ns() // 1_000)


def test_requests_are_taken_together_in_their_order(desk: Desk) -> None:
    asks = [_ask(f"e{number}", 60) for number in range(5)]
    desk.put(asks)
    taken = desk.take(100, 0)
    assert taken is not None
    assert taken.raw.column("event_id").to_pylist() == [ask.event_id for ask in asks]
    assert desk.offsets(taken.raw) == {REQUESTS: {0: 12}}
    assert [desk.taken(offset) for offset in range(7, 12)] == asks
    assert desk.taken(7) is None


def test_what_would_be_too_late_is_refused_with_when_to_come_again(desk: Desk) -> None:
    for _ in range(50):
        desk.pace.add(10, 2.0)
    with pytest.raises(ProblemError) as refused:
        desk.put([_ask("late", 0.5)])
    assert refused.value.status == 503
    assert int(refused.value.headers["Retry-After"]) >= 1
    desk.put([_ask("patient", 60)])


def test_requests_let_in_together_count_before_their_events_wait(desk: Desk) -> None:
    deadline = time.monotonic() + 60
    places = [desk.place(deadline) for _ in range(50)]
    with pytest.raises(ProblemError, match="come again"):
        desk.place(deadline)
    places[0].leave()
    places[0].leave()
    desk.place(deadline)
    assert (desk.coming, desk.present) == (50, 50)


def test_requests_that_are_not_answered_yet_make_the_next_one_late(desk: Desk) -> None:
    before = desk.ahead(1)
    places = [desk.place(time.monotonic() + 60) for _ in range(20)]
    for place in places:
        place.waits()
    assert desk.coming == 0
    assert desk.ahead(1) > before
    for place in places:
        place.leave()
    assert desk.ahead(1) == pytest.approx(before)


def test_a_batch_that_is_not_over_when_it_should_be_makes_the_next_one_long(desk: Desk) -> None:
    desk.put([_ask("first", 60)])
    expected = desk.pace.seconds(1)
    desk.take(100, 0)
    wait_until(lambda: desk.ahead(1) > 2 * expected, limit_s=30, what="a batch to be twice as long as believed")
    assert desk.ahead(1) < 4 * expected, "what it waits for may have nothing to do with batches"


def test_what_came_while_a_loop_was_busy_came_earlier() -> None:
    async def asked() -> tuple[float, float]:
        pulse = Pulse()
        pulse.began()
        busy = time.monotonic()
        while time.monotonic() - busy < 0.2:
            pass
        now = time.monotonic()
        late = now - pulse.began()
        while time.monotonic() - pulse.began() > EVERY_S:
            await asyncio.sleep(EVERY_S)
        return late, time.monotonic() - now

    late, again = asyncio.run(asked())
    assert late >= 0.2 - EVERY_S
    assert again < 10


def test_the_queue_is_bounded(desk: Desk) -> None:
    desk.put([_ask(f"q{number}", 600) for number in range(50)])
    with pytest.raises(ProblemError, match="wait already"):
        desk.put([_ask("one more", 600)])


def test_a_deadline_that_comes_too_near_while_it_waits_is_said(desk: Desk) -> None:
    early, patient = _ask("early", 0.5), _ask("patient", 600)
    desk.put([early])
    desk.put([patient])
    for _ in range(50):
        desk.pace.add(2, 5.0)
    taken = desk.take(100, 0)
    assert taken is not None
    assert taken.raw.column("event_id").to_pylist() == ["patient"]
    with pytest.raises(ProblemError, match="not decided"):
        early.answer.result(0)


def test_closed_it_decides_what_waits_and_takes_no_more(desk: Desk) -> None:
    desk.put([_ask("last", 60)])
    desk.close()
    with pytest.raises(ProblemError, match="stopping"):
        desk.put([_ask("after", 60)])
    taken = desk.take(100, 0)
    assert taken is not None
    assert taken.raw.num_rows == 1
    assert desk.take(100, 0) is None


@given(
    fixed=st.floats(0.005, 0.5), each=st.floats(0, 0.01), sizes=st.lists(st.integers(1, 500), min_size=80, max_size=150)
)
def test_what_a_batch_costs_is_learned(fixed: float, each: float, sizes: list[int]) -> None:
    pace = Pace()
    for size in sizes:
        pace.add(size, fixed + each * size)
    mean = sum(sizes) / len(sizes)
    assert pace.seconds(int(mean)) == pytest.approx(fixed + each * mean, rel=0.5, abs=0.05)
    assert pace.seconds(1) <= pace.seconds(100) + 1e-9
    assert pace.factor == 1.0


def test_slow_answers_raise_what_is_expected() -> None:
    pace = Pace()
    for _ in range(50):
        pace.answered(0.1, 0.3)
    assert 2.0 < pace.factor <= 3.0
