"""Interrupted anywhere, by a change of mind too, a deployment becomes what the project says, and logs nothing twice.

The steps are taken on a model of the server (`after`); tests/risingwave takes them on one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskwave.errors import RiskwaveError
from riskwave.risingwave.changes import (
    FEED,
    KNOWN,
    NOW,
    SCORED,
    Found,
    Model,
    Project,
    Step,
    after,
    beneath,
    next_step,
    plan,
)
from riskwave.risingwave.relations import Relation
from riskwave.risingwave.takeover import NEXT

BLOCKS = "int_list_blocks"
NEEDED = {KNOWN: ("known_by",), "decisions__log": ("degraded",), "list_entries": ("next_version",)}
#: name, kind, reads
SHAPE: list[tuple[str, str, tuple[str, ...]]] = [
    ("payments", "source", ()),
    ("stg_payments", "materialized view", ("payments",)),
    (BLOCKS, "materialized view", ("list_entries",)),
    ("int_merchant_minutes", "materialized view", ("stg_payments",)),
    ("int_merchant_recent", "materialized view", ("int_merchant_minutes", "stg_payments")),
    (NOW, "materialized view", ("stg_payments", "int_merchant_recent")),
    (SCORED, "view", (KNOWN,)),
    ("alerts_out", "sink", ("decisions__log",)),
]


def project(made: tuple[int, ...] = (1,) * len(SHAPE)) -> Project:
    """The project with each model as of a revision."""
    models = [Model(name, kind, f"{name}.{at}", reads) for (name, kind, reads), at in zip(SHAPE, made, strict=True)]
    return Project(models, NEEDED, (SCORED, BLOCKS))


projects = st.lists(st.tuples(*[st.sampled_from([1, 1, 2, 3])] * len(SHAPE)).map(project), min_size=1, max_size=3)
cuts = st.lists(st.integers(0, 60), min_size=3, max_size=3)
NOTHING = Found({}, None, None)


def states(found: Found, goal: Project) -> Iterator[tuple[Step, Found]]:
    """Each step, and what is there after it."""
    for step in plan(found, goal):
        found = after(found, goal, step)
        yield step, found


def done(found: Found, goal: Project) -> Found:
    """What is there in the end."""
    return [found, *(state for _, state in states(found, goal))][-1]


def decided(found: Found) -> list[str]:
    """The feeds of what is known whose rows are decided."""
    feeds = [found.relations[name] for name in (FEED, FEED + NEXT) if name in found.relations]
    called = found.known_by
    return [feed.name for feed in feeds if feed.known_by is None or called is None or feed.known_by == called]


def is_as(found: Found, goal: Project) -> None:
    assert not [name for name in found.relations if name.endswith(NEXT)]
    at = found.relations
    for model in goal.models:
        assert at[model.name].made == model.made
        if model.kind == "materialized view":
            read = {at[name].id for name in model.reads if name in {one.name for one in goal.models}}
            assert read <= at[model.name].reads, model.name
    assert at[FEED].reads == {at[NOW].id}
    assert at[FEED].known_by == found.known_by == f"now.{at[NOW].id}"
    assert found.rules == beneath(found, goal)
    assert next_step(found, goal) is None


def test_from_nothing_and_then_nothing() -> None:
    found = done(NOTHING, project())
    is_as(found, project())
    assert plan(found, project()) == []


@settings(max_examples=200, deadline=None)
@given(projects, cuts)
def test_interrupted_anywhere_the_same_comes_of_it(history: list[Project], cut: list[int]) -> None:
    found = done(NOTHING, project())
    for goal, most in zip(history, cut, strict=False):
        for place, (step, state) in enumerate(states(found, goal)):
            if place >= most:
                break
            found = state
            assert len(decided(found)) == 1, f"{step}: {decided(found)}"
    for _, state in states(found, history[-1]):
        found = state
        assert len(decided(found)) == 1
    is_as(found, history[-1])


@settings(max_examples=60, deadline=None)
@given(projects, cuts)
def test_a_deployment_of_an_earlier_riskwave_is_brought_up_to_date(history: list[Project], cut: list[int]) -> None:
    """Its feed says nothing of itself, nor do its views; tables lack columns that came later."""
    new = done(NOTHING, project())
    old = {name: replace(each, made=None, known_by=None) for name, each in new.relations.items()}
    old |= {name: replace(old[name], columns={}) for name in NEEDED}
    found = Found(old, None, None)
    for place, (_, state) in enumerate(states(found, history[0])):
        if place >= cut[0]:
            break
        found = state
        assert len(decided(found)) <= 1
    is_as(done(found, history[0]), history[0])


def test_what_reads_what_has_changed_is_made_anew_and_nothing_else() -> None:
    found = done(NOTHING, project())
    goal = project((1, 1, 1, 2, 1, 1, 1, 1))
    new = max(each.id for each in found.relations.values()) + 3
    assert [str(step) for step in plan(found, goal)] == [
        "build beside: int_merchant_minutes__next",
        "build beside: int_merchant_recent__next",
        "build beside: decision_input__now__next",
        "swap: int_merchant_minutes",
        "swap: int_merchant_recent",
        "swap: decision_input__now",
        f"make feed beside: decision_input__feed__next (now.{new})",
        f"call feed: decision_input__feed__next (now.{new})",
        "swap feed: decision_input__feed",
        "drop feed: decision_input__feed__next",
        "drop: decision_input__now__next",
        "drop: int_merchant_recent__next",
        "drop: int_merchant_minutes__next",
    ]


def test_a_feature_more_is_a_column_more_and_another_feed_of_decisions() -> None:
    found = done(NOTHING, project())
    goal = project((1, 1, 1, 1, 1, 2, 1, 1))
    built = after(found, goal, plan(found, goal)[0])
    beside = built.relations[NOW + NEXT]
    wider = {**built.relations, beside.name: replace(beside, columns={**beside.columns, "card_new": "bigint"})}
    told = [str(step) for step in plan(replace(built, relations=wider), goal)]
    assert told[:5] == [
        "swap: decision_input__now",
        "widen: decision_input (card_new)",
        "build beside: int_scored__next",
        "swap: int_scored",
        "put rules in force: decisions",
    ]
    is_as(done(replace(built, relations=wider), goal), goal)


def test_what_is_not_riskwave_s_is_not_dropped() -> None:
    found = done(NOTHING, project())
    goal = project((1, 1, 1, 2, 1, 1, 1, 1))
    mine = Relation("mine", "view", 99, None, None, None, frozenset({found.relations["int_merchant_minutes"].id}), {})
    found = done(Found({**found.relations, "mine": mine}, found.known_by, found.rules), goal)
    assert "int_merchant_minutes__next" in found.relations
    again = project((1, 1, 1, 3, 1, 1, 1, 1))
    with pytest.raises(RiskwaveError, match="int_merchant_minutes__next is read by mine; drop that"):
        done(found, again)
