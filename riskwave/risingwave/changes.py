"""How a deployment comes to be what the project says: the steps, from the relations that are there.

What reads what has changed is made beside what is there, filled from history, and swapped by name; what was said
stays. What was known is logged by one feed at a time, as `feeds_in_force` has it: the new one logs events that come
after those the log has, so that history is not known anew, and not decided anew. As with rulesets (`takeover`), each
step is taken from what is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from riskwave.errors import RiskwaveError
from riskwave.risingwave.relations import Relation
from riskwave.risingwave.takeover import NEXT

#: The log of what was known, what it is made of, and the sink from the one into the other.
KNOWN = "decision_input"
NOW = "decision_input__now"
FEED = "decision_input__feed"
#: What scores what was known: a view, which has the columns that there were when it was made.
SCORED = "int_scored"
Kind = Literal[
    "run dbt",
    "drop",
    "create",
    "build beside",
    "swap",
    "widen",
    "put rules in force",
    "drop feed",
    "call feed",
    "make feed",
    "make feed beside",
    "swap feed",
]


@dataclass(frozen=True)
class Model:
    """A relation that the project makes. kind: source, view, materialized view, sink; made: what it says that it is
    made of; reads: names of other models' relations, what is ephemeral passed over; sql: its query.
    """

    name: str
    kind: str
    made: str
    reads: tuple[str, ...]
    sql: str = ""


@dataclass(frozen=True)
class Found:
    """The relations there by name; known_by: which feed's rows are decided, as `feeds_in_force` has it (None: all);
    rules: whether rulesets are in force over what lies beneath them now.
    """

    relations: Mapping[str, Relation]
    known_by: str | None
    rules: str | None


@dataclass(frozen=True)
class Step:
    """One change; relation: the name that is made, swapped or dropped; feed: the name called or made with."""

    kind: Kind
    relation: str
    feed: str | None = None
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        more = ", ".join([*self.columns, *([self.feed] if self.feed else [])])
        return f"{self.kind}: {self.relation}{f' ({more})' if more else ''}"


@dataclass(frozen=True)
class Project:
    """What should be there. models: each after those it reads; needed: relations, with the columns, that dbt makes once
    and that stay; beneath: models that a feed of decisions reads.
    """

    models: Sequence[Model]
    needed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    beneath: tuple[str, ...] = ()


def plan(found: Found, project: Project) -> list[Step]:
    """The steps that are left, in order."""
    steps: list[Step] = []
    while (step := next_step(found, project)) is not None:
        steps.append(step)
        found = after(found, project, step)
    return steps


def next_step(found: Found, project: Project) -> Step | None:
    """The next step, None when all is as it should be. Raises RiskwaveError where something else is in the way."""
    early = [model for model in project.models if model.name != SCORED]
    late = [model for model in project.models if model.name == SCORED]
    step = (
        _missing(found, project)
        or _models(found, project, early)
        or _wider(found)
        or _models(found, project, late)
        or _rules(found, project)
        or _known(found)
        or _leftovers(found, project)
    )
    if step is None:
        _need_all(found, project)
    return step


def unchanged(found: Found, project: Project) -> list[str]:
    """The relations that stay as they are."""
    return [
        model.name for model in project.models if _is_current(found, project, found.relations.get(model.name), model)
    ]


def beneath(found: Found, project: Project) -> str:
    """The ids of what feeds of decisions read, as their names have them."""
    return ".".join(str(found.relations[name].id) for name in project.beneath)


def chosen(found: Found, project: Project, name: str) -> str:
    """The name of a model's relation that is to be read: the one made beside, until it is swapped."""
    model = next((each for each in project.models if each.name == name), None)
    beside = found.relations.get(name + NEXT)
    if model and not _is_current(found, project, found.relations.get(name), model):
        return name + NEXT if _is_current(found, project, beside, model) else name
    return name


def _missing(found: Found, project: Project) -> Step | None:
    """What dbt makes: all, from nothing; tables that people edit and logs, with the columns that came later."""
    for name, columns in project.needed.items():
        there = found.relations.get(name)
        if there is None or not set(columns) <= set(there.columns):
            return Step("run dbt", name, columns=columns)
    return None


def _models(found: Found, project: Project, models: Sequence[Model]) -> Step | None:
    for model in models:
        there, beside = found.relations.get(model.name), found.relations.get(model.name + NEXT)
        if _is_current(found, project, there, model) or _is_current(found, project, beside, model):
            continue
        if there and beside:
            return _cut_off(found, project, there, beside)
        return Step("create" if there is None else "build beside", model.name + (NEXT if there else ""))
    for model in models:
        there, beside = found.relations.get(model.name), found.relations.get(model.name + NEXT)
        if there and beside and not _is_current(found, project, there, model):
            return Step("swap", model.name)
    return None


def _is_current(found: Found, project: Project, there: Relation | None, model: Model) -> bool:
    """Whether it is made of what the project says, over relations that are."""
    if there is None or there.made != model.made:
        return False
    if model.name == SCORED and KNOWN in found.relations:
        return set(found.relations[KNOWN].columns) <= set(there.columns)
    if model.kind != "materialized view":
        return True
    by_name = {one.name: one for one in project.models}
    for name in model.reads:
        read = by_name.get(name)
        if read is None or read.kind == "view":
            continue
        chosen = [found.relations.get(name), found.relations.get(name + NEXT)]
        ids = {each.id for each in chosen if each and _is_current(found, project, each, read)}
        if not ids & there.reads:
            return False
    return True


def _cut_off(found: Found, project: Project, there: Relation, beside: Relation) -> Step | None:
    """Of an earlier change that was cut off, and is not wanted any more: what nobody decides by goes.

    None while feeds read both: first the one that was to take over does.
    """
    live = _live(found, project)
    if beside.id not in live:
        return _dropped(found, beside)
    return Step("swap", there.name) if there.id not in live else None


def _live(found: Found, project: Project) -> set[int]:
    """The ids of all that something reads, near or far, that is not a model."""
    by_id = {each.id: each for each in found.relations.values()}
    names = {model.name for model in project.models}
    ends = [each for name, each in found.relations.items() if name.removesuffix(NEXT) not in names]
    live: set[int] = set()
    while ends:
        for number in ends.pop().reads - live:
            live.add(number)
            if number in by_id:
                ends.append(by_id[number])
    return live


def _dropped(found: Found, relation: Relation) -> Step:
    """Drop what was made beside, what reads it first; that may have taken a name already."""
    for other in found.relations.values():
        if relation.id in other.reads:
            return _dropped(found, other) if other.name.endswith(NEXT) else Step("swap", other.name)
    return Step("drop", relation.name)


def _wider(found: Found) -> Step | None:
    """What was known has a column for each feature."""
    now, known = found.relations[NOW], found.relations[KNOWN]
    missing = tuple(name for name in now.columns if name not in known.columns)
    return Step("widen", KNOWN, columns=missing) if missing else None


def _rules(found: Found, project: Project) -> Step | None:
    return None if found.rules == beneath(found, project) else Step("put rules in force", "decisions")


def _known(found: Found) -> Step | None:
    """One feed logs what is known; another takes over when its name is called."""
    wanted = f"now.{found.relations[NOW].id}"
    there, beside = found.relations.get(FEED), found.relations.get(FEED + NEXT)
    called = found.known_by
    if beside and beside.known_by and beside.known_by == called:
        return Step("swap feed", FEED)
    if there and (there.known_by is None or (called is not None and there.known_by != called)):
        # It would be decided by whatever it logs, or it is not decided by: nobody misses it.
        return Step("drop feed", FEED)
    if beside and (there is None or there.known_by == wanted or beside.known_by != wanted):
        return Step("drop feed", FEED + NEXT)
    if there is None:
        # Rows wait in what it is made of: called first, it logs them when it is made.
        return Step("call feed", FEED, wanted) if called != wanted else Step("make feed", FEED, wanted)
    if called is None:
        return Step("call feed", FEED, there.known_by)
    beside_it = Step("call feed" if beside else "make feed beside", FEED + NEXT, wanted)
    return None if there.known_by == wanted else beside_it


def _leftovers(found: Found, project: Project) -> Step | None:
    """What was replaced goes, unless something that is not Riskwave's reads it."""
    read = {each for relation in found.relations.values() for each in relation.reads}
    for model in reversed(project.models):
        there, beside = found.relations.get(model.name), found.relations.get(model.name + NEXT)
        is_old = _is_current(found, project, there, model) or not _is_current(found, project, beside, model)
        if beside and is_old and beside.id not in read:
            return Step("drop", beside.name)
    return None


def _need_all(found: Found, project: Project) -> None:
    for model in project.models:
        if not _is_current(found, project, found.relations.get(model.name), model):
            old = found.relations.get(model.name + NEXT)
            readers = [each.name for each in found.relations.values() if old and old.id in each.reads]
            raise RiskwaveError(
                f"{model.name}: cannot be made anew while {model.name}{NEXT} is read by {', '.join(readers)}; drop "
                "that, deploy, and make it again"
            )


def after(found: Found, project: Project, step: Step) -> Found:
    """What is there once a step is taken: what the server does, without one."""
    relations = dict(found.relations)
    name = step.relation
    base = name.removesuffix(NEXT)
    model = next((each for each in project.models if each.name == base), None)
    match step.kind:
        case "run dbt":
            for needed, columns in project.needed.items():
                there = relations.get(needed) or _new(relations, needed, "table")
                relations[needed] = replace(there, columns={**there.columns, **dict.fromkeys(columns, "")})
        case "create" | "build beside" if model:
            reads = frozenset(_read(found, project, model))
            like = relations.get(KNOWN if base == SCORED else base)
            made = replace(_new(relations, name, model.kind), made=model.made, reads=reads)
            relations[name] = replace(made, columns=like.columns if like else {})
        case "swap" | "swap feed":
            relations = dict(_swapped(relations, name))
        case "widen":
            there = relations[name]
            relations[name] = replace(there, columns={**there.columns, **dict.fromkeys(step.columns, "")})
        case "put rules in force":
            return replace(found, rules=beneath(found, project))
        case "call feed":
            return replace(found, known_by=step.feed)
        case "make feed" | "make feed beside":
            reads = frozenset({relations[NOW].id})
            relations[name] = replace(_new(relations, name, "sink"), known_by=step.feed, reads=reads)
        case "drop" | "drop feed":
            del relations[name]
    return replace(found, relations=relations)


def _read(found: Found, project: Project, model: Model) -> Iterable[int]:
    """The ids of what a model is built on: those that are current."""
    for name in model.reads:
        there = found.relations.get(chosen(found, project, name))
        if there:
            yield there.id


def _swapped(relations: Mapping[str, Relation], name: str) -> Iterable[tuple[str, Relation]]:
    other = {name: name + NEXT, name + NEXT: name}
    for one, relation in relations.items():
        called = other.get(one, one)
        yield called, replace(relation, name=called)


def _new(relations: Mapping[str, Relation], name: str, kind: str) -> Relation:
    number = 1 + max((each.id for each in relations.values()), default=0)
    return Relation(name, kind, number, None, None, None, frozenset(), {})
