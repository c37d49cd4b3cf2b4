"""Grouping, throttling, snoozing and escalating, at literal times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskwave.alerts.acts import Act, act
from riskwave.alerts.finding import one
from riskwave.alerts.intake import take
from riskwave.alerts.plan import plan
from riskwave.alerts.routes import Routes
from riskwave.alerts.store import AlertStore
from tests.alerts.made import NOON, decision


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AlertStore]:
    made = AlertStore(tmp_path / "alerts")
    yield made
    made.close()


def routes(*given: dict[str, Any]) -> Routes:
    receivers = {name: {"webhook": "http://127.0.0.1:1/"} for name in ("desk", "pager", "boss")}
    return Routes.model_validate({"receivers": receivers, "routes": list(given)})


def after(**span: float) -> datetime:
    return NOON + timedelta(**span)


def told(store: AlertStore) -> list[tuple[str, str, list[str]]]:
    """Each notification: its kind, its entity, its events."""
    found = []
    for row in store.rows("select id, kind, entity from notifications order by id"):
        events = store.rows("select event_id from told where notification = ? order by event_id", [row["id"]])
        found.append((row["kind"], row["entity"], [event["event_id"] for event in events]))
    return found


def raised(store: AlertStore, *decisions: dict[str, Any], at: datetime = NOON) -> None:
    take(store, "test", decisions, "", at)


def test_alerts_of_a_card_are_told_of_together_once_the_first_has_waited(store: AlertStore) -> None:
    known = routes({"name": "all", "to": ["desk", "pager"], "wait": "30s", "every": "10m"})
    raised(store, decision("e1", card_id="c1"), decision("e2", card_id="c2"))
    raised(store, decision("e3", card_id="c1"), at=after(seconds=29))
    assert plan(store, known, after(seconds=29)) == 0
    assert plan(store, known, after(seconds=30)) == 2
    assert told(store) == [("alerts", "card:c1", ["e1", "e3"]), ("alerts", "card:c2", ["e2"])]
    assert Counter(row["receiver"] for row in store.rows("select receiver from deliveries")) == {"desk": 2, "pager": 2}
    # Told once; what comes next of the card waits until ten minutes have passed.
    raised(store, decision("e4", card_id="c1"), at=after(minutes=1))
    assert plan(store, known, after(minutes=10, seconds=29)) == 0
    assert plan(store, known, after(minutes=10, seconds=30)) == 1
    assert told(store)[-1] == ("alerts", "card:c1", ["e4"])


def test_the_first_route_that_fits_tells(store: AlertStore) -> None:
    known = routes(
        {"name": "stolen", "rules": ["blocked_*"], "severity": ["P0"], "to": ["pager"], "wait": "0s"},
        {"name": "blocks", "actions": ["block"], "to": ["desk"], "wait": "0s", "group_by": "merchant"},
    )
    raised(
        store,
        decision("e1", action="block", severity="P0", rule_ids=["x", "blocked_card"]),
        decision("e2", action="block", severity="P1", rule_ids=["blocked_card"], merchant_id="m1"),
        decision("e3", action="block", severity="P1", rule_ids=["y"]),
        decision("e4", action="review", severity="P1"),
    )
    assert plan(store, known, NOON) == 3
    assert told(store) == [
        ("alerts", "card:card-of-e1", ["e1"]),
        ("alerts", "merchant:m1", ["e2"]),
        ("alerts", "event:e3", ["e3"]),
    ]
    unrouted = one(store, "e4", NOON)
    assert unrouted is not None
    assert (unrouted["route"], unrouted["notice"], unrouted["status"]) == (None, "none", "open")


def test_beyond_the_limit_there_is_one_digest_and_then_nothing_until_there_is_room(store: AlertStore) -> None:
    known = routes({"name": "all", "to": ["desk"], "wait": "0s", "most": 3, "per": "1h"})
    raised(store, *(decision(f"e{number}", severity="P2" if number < 4 else "P0") for number in range(6)))
    assert plan(store, known, NOON) == 3
    # The most severe have their own.
    assert told(store) == [
        ("alerts", "card:card-of-e4", ["e4"]),
        ("alerts", "card:card-of-e5", ["e5"]),
        ("digest", "", ["e0", "e1", "e2", "e3"]),
    ]
    raised(store, decision("e6"), decision("e7"), at=after(minutes=5))
    assert plan(store, known, after(minutes=59)) == 0
    throttled = one(store, "e7", after(minutes=59))
    assert throttled is not None
    assert throttled["notice"] == "waiting"
    assert plan(store, known, after(hours=1)) == 2
    assert told(store)[3:] == [("alerts", "card:card-of-e6", ["e6"]), ("alerts", "card:card-of-e7", ["e7"])]


def test_a_card_in_a_digest_was_told_of(store: AlertStore) -> None:
    known = routes({"name": "all", "to": ["desk"], "wait": "0s", "most": 1, "per": "1m", "every": "10m"})
    raised(store, decision("e1", card_id="c1"), decision("e2", card_id="c2"))
    assert plan(store, known, NOON) == 1
    raised(store, decision("e3", card_id="c2"), at=after(minutes=2))
    assert plan(store, known, after(minutes=9, seconds=59)) == 0
    assert plan(store, known, after(minutes=10)) == 1


def test_what_is_snoozed_is_told_of_when_that_is_over(store: AlertStore) -> None:
    known = routes({"name": "all", "to": ["desk"], "wait": "0s", "every": "0s"})
    raised(store, decision("e1", card_id="c1"), decision("e2", card_id="c2"))
    act(store, ["e1"], Act("snooze", until=after(hours=8)), who="ann", now=NOON)
    assert plan(store, known, after(hours=7)) == 1
    # One that was told of and then snoozed is told of again.
    act(store, ["e2"], Act("snooze", until=after(hours=8)), who="ann", now=after(hours=7))
    assert plan(store, known, after(hours=7, minutes=59)) == 0
    assert plan(store, known, after(hours=8)) == 2
    assert [events for _, _, events in told(store)] == [["e2"], ["e1"], ["e2"]]
    found = one(store, "e1", after(hours=8))
    assert found is not None
    assert (found["notice"], found["snoozed_until"]) == ("sending", None)


@pytest.mark.parametrize("deed", [Act("acknowledge"), Act("close"), Act("assign", to="ann")])
def test_nobody_is_told_of_what_somebody_has_taken_meanwhile(store: AlertStore, deed: Act) -> None:
    known = routes({"name": "all", "to": ["desk"], "wait": "30s", "escalate": [{"after": "1m", "to": ["boss"]}]})
    raised(store, decision("e1"))
    act(store, ["e1"], deed, who="ann", now=after(seconds=10))
    assert plan(store, known, after(days=1)) == 0


def test_what_nobody_acts_on_is_told_to_others_step_by_step(store: AlertStore) -> None:
    steps = [{"after": "15m", "to": ["pager"]}, {"after": "1h", "to": ["boss"]}]
    known = routes({"name": "all", "to": ["desk"], "wait": "0s", "every": "5m", "escalate": steps})
    raised(store, decision("e1"), decision("e2"))
    plan(store, known, NOON)
    act(store, ["e2"], Act("acknowledge"), who="ann", now=after(minutes=10))
    assert plan(store, known, after(minutes=14, seconds=59)) == 0
    assert plan(store, known, after(minutes=15)) == 1
    assert plan(store, known, after(minutes=59)) == 0
    assert plan(store, known, after(minutes=60)) == 1
    assert plan(store, known, after(days=1)) == 0
    assert told(store)[2:] == [("escalation", "level:1", ["e1"]), ("escalation", "level:2", ["e1"])]
    assert [row["receiver"] for row in store.rows("select receiver from deliveries order by id")][2:] == [
        "pager",
        "boss",
    ]


def test_who_is_given_an_alert_has_their_own_time_to_act(store: AlertStore) -> None:
    known = routes({"name": "all", "to": ["desk"], "wait": "0s", "escalate": [{"after": "15m", "to": ["boss"]}]})
    raised(store, decision("e1"))
    plan(store, known, NOON)
    act(store, ["e1"], Act("assign", to="ben"), who="ann", now=after(minutes=14))
    assert plan(store, known, after(minutes=28)) == 0
    assert plan(store, known, after(minutes=29)) == 1


def test_escalations_come_together_not_one_by_one(store: AlertStore) -> None:
    known = routes(
        {"name": "all", "to": ["desk"], "wait": "0s", "every": "5m", "escalate": [{"after": "15m", "to": ["boss"]}]}
    )
    for minute in range(5):
        raised(store, decision(f"e{minute}"), at=after(minutes=minute))
    for second in range(0, 1500, 10):
        plan(store, known, after(seconds=second))
    escalations = [events for kind, _, events in told(store) if kind == "escalation"]
    assert escalations == [["e0"], ["e1", "e2", "e3", "e4"]]


def test_a_route_that_was_taken_out_of_the_file_leaves_its_alerts_to_the_others(store: AlertStore) -> None:
    raised(store, decision("e1"))
    assert plan(store, routes({"name": "old", "to": ["desk"], "wait": "1m"}), NOON) == 0
    assert plan(store, routes({"name": "new", "to": ["pager"], "wait": "0s"}), NOON) == 1
    assert [row["route"] for row in store.rows("select route from notifications")] == ["new"]


_STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("raise"),
            st.integers(0, 3),
            st.sampled_from(["P0", "P1", "P2"]),
            st.sampled_from(["m1", "m2", None]),
        ),
        st.tuples(st.just("pass"), st.integers(1, 900)),
        st.tuples(st.just("snooze"), st.integers(0, 20), st.integers(1, 3_000)),
        st.tuples(st.just("acknowledge"), st.integers(0, 20)),
        st.tuples(st.just("close"), st.integers(0, 20)),
    ),
    max_size=40,
)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    steps=_STEPS,
    wait=st.integers(0, 60),
    every=st.integers(0, 600),
    most=st.integers(1, 4),
    group_by=st.sampled_from(["card", "merchant"]),
)
def test_no_alert_is_lost_and_none_told_of_twice(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any], wait: int, every: int, most: int, group_by: str
) -> None:
    """At every moment an alert is told of once, or waits where it can be seen, or somebody has taken it.

    A snooze asks to be told again. With all the time there is everything that waits is told of, and never more than the
    route allows.
    """
    store = AlertStore(tmp_path_factory.mktemp("plan") / "alerts")
    known = routes(
        {
            **{"name": "all", "to": ["desk"], "wait": f"{wait}s", "every": f"{every}s"},
            **{"most": most, "per": "10m", "group_by": group_by},
        }
    )
    now, count = NOON, 0
    allowed: Counter[str] = Counter()
    taken: set[str] = set()

    def check() -> None:
        times = Counter(event for _, _, events in told(store) for event in events)
        for number in range(count):
            event_id = f"e{number}"
            alert = one(store, event_id, now)
            assert alert is not None
            assert times[event_id] <= allowed[event_id]
            if alert["notice"] in ("waiting", "snoozed"):
                assert times[event_id] < allowed[event_id]
            elif event_id not in taken:
                assert times[event_id] == allowed[event_id]

    try:
        for step in [*steps, *[("pass", 600)] * (len(steps) + 10)]:
            event_id = f"e{step[1] % count}" if count else ""
            if step[0] == "raise":
                raised(
                    store, decision(f"e{count}", card_id=f"c{step[1]}", severity=step[2], merchant_id=step[3]), at=now
                )
                allowed[f"e{count}"] += 1
                count += 1
            elif step[0] == "pass":
                now += timedelta(seconds=step[1])
            elif count and step[0] == "snooze":
                [result] = act(
                    store, [event_id], Act("snooze", until=now + timedelta(seconds=step[2])), who="a", now=now
                )
                if result.status == "done":
                    # Once more than it was told of until now, however it was taken before.
                    allowed[event_id] = sum(event_id in events for _, _, events in told(store)) + 1
                    taken.discard(event_id)
            elif count:
                act(store, [event_id], Act(step[0]), who="a", now=now)
                taken.add(event_id)
            plan(store, known, now)
            check()
            made = store.rows("select made_at from notifications")
            for start in made:
                window = [row for row in made if 0 <= _seconds(row) - _seconds(start) < 600]
                assert len(window) <= most
        left = store.rows("select event_id from alerts where waits_since is not null and status <> 'closed'")
        assert left == []
    finally:
        store.close()


def _seconds(row: dict[str, Any]) -> float:
    return datetime.fromisoformat(row["made_at"]).timestamp()
