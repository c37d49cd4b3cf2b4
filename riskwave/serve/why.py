"""Why an event was decided as it was, and past cases like it."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from riskwave.backtest.explain import explained, in_force, with_scores
from riskwave.backtest.given import Given
from riskwave.catalogue import load_catalogue
from riskwave.control.store import Control
from riskwave.errors import RiskwaveError
from riskwave.serve.finding import SHOWN, VERDICTS
from riskwave.serve.problems import ProblemError
from riskwave.serve.reading import Reading

if TYPE_CHECKING:
    from riskwave.scoring.explain import Explainer

#: Cases among which alike ones are looked for: the latest flagged or labelled events.
POOL = 5_000
#: Columns of the model that made a score, at most.
TOP = 8
_NUMBERS = ("bigint", "integer", "double", "boolean", "smallint", "hugeint")


def why(reading: Reading, control: Control, event_id: str, version: int = 1) -> dict[str, Any]:
    """A decision of an event, the first unless told otherwise, explained by what was in force then.

    Raises ProblemError 404 for an event that was not decided, 409 where what was known or in force was not kept.
    """
    asked = {"event_id": event_id}
    decisions = reading.rows("select * from decisions where event_id = $event_id order by version", asked)
    if not decisions:
        raise ProblemError(404, f"{event_id[:128]}: no event with that id was decided; it may have been rejected")
    decision = next((one for one in decisions if one["version"] == version), None)
    if decision is None:
        raise ProblemError(404, f"{event_id[:128]}: has no version {version}; the last is {decisions[-1]['version']}")
    rows = reading.rows("select * from decision_input where event_id = $event_id", asked)
    known = {row["version"]: row for row in rows}
    if version not in known:
        raise ProblemError(409, f"{event_id[:128]}: what was known of it is not kept any more")
    given = _given(control, int(decision["control_version"]), str(decision["ruleset_revision"]))
    row = with_scores(known[version], decision)
    found = explained(given, row, decision, versions=len(decisions), least=None, before=known.get(version - 1))
    return {
        "event_id": event_id,
        "version": version,
        "card_id": decision["card_id"],
        "action": decision["action"],
        "control_version": decision["control_version"],
        "ruleset_revision": decision["ruleset_revision"],
        "model_version": decision["model_version"],
        "agrees": found.agrees,
        "changed": found.changed,
        "rules": [asdict(rule) for rule in found.rules],
    }


@lru_cache(maxsize=16)
def _given(control: Control, version: int, revision: str) -> Given:
    """What was in force does not change: rules are parsed once."""
    return in_force(control.snapshot(version), revision)


def model_part(
    reading: Reading, event_id: str, version: int, model: str | None, registry: str | None
) -> dict[str, Any] | None:
    """What raised the score of the model that an event's decision names, such as "card 1.2.0"; None without one.

    fault: why that cannot be said, where it cannot.
    """
    if not model:
        return None
    name, _, number = model.partition(" ")
    part: dict[str, Any] = {"model": model, "score": None, "threshold": None, "reasons": [], "fault": None}
    if registry is None:
        return part | {"fault": "the server has no registry of models; start it with --models riskwave.models.db"}
    try:
        explainer = _explainer(registry, name, number)
        known = reading.arrow(
            "select * from decision_input where event_id = $event_id and version = $version",
            {"event_id": event_id, "version": version},
        )
        found = explainer.explain(known, top=TOP, flagged_only=False)[0]
    except ImportError:
        return part | {"fault": "the registry cannot be read: install riskwave[models]"}
    except (RiskwaveError, TypeError) as fault:
        return part | {"fault": " ".join(str(fault).split())}
    said = {"score": found.score, "threshold": found.threshold, "reasons": [asdict(reason) for reason in found.reasons]}
    return part | said


@lru_cache(maxsize=4)
def _explainer(registry: str, name: str, version: str) -> Explainer:
    """Kept: what explains a model takes seconds to load."""
    from riskwave.scoring.explain import Explainer
    from riskwave.scoring.registry import Registry

    return Explainer(Registry(registry), name, version)


def similar(reading: Reading, event_id: str, limit: int) -> dict[str, Any]:
    """Flagged or labelled events of other cards that are most like an event, the most alike first.

    alike: between 0 and 1, the mean of two: the share of rules that fired on both among those that fired on either,
    and exp(-d), where d is the mean distance of the features in standard deviations of the pool, logarithms taken of
    their sizes. Raises ProblemError 404 for an event that was not decided.
    """
    names = [feature.name for feature in load_catalogue() if feature.type in _NUMBERS]
    sized = ", ".join(f'sign("{n}"::double) * ln(1 + abs("{n}"::double)) as "{n}"' for n in names)
    spread = ", ".join(f'coalesce(nullif(stddev("{n}"), 0), 1) as "{n}"' for n in names)
    apart = " + ".join(
        f'case when p."{n}" is null and t."{n}" is null then 0 when p."{n}" is null or t."{n}" is null then 1 '
        f'else least(abs(p."{n}" - t."{n}") / s."{n}", 4) end'
        for n in names
    )
    rows = reading.rows(
        f"""
        with target as (
            select k.event_id, k.card_id, d.rule_ids, {sized} from decision_input as k
            join decisions as d on k.event_id = d.event_id and k.version = d.version
            where k.event_id = $event_id and k.version = 1
        ),
        chosen as (
            select d.event_id, d.rule_ids from decisions as d
            where d.version = 1 and d.card_id not in (select card_id from target)
            and (d.action <> 'allow' or d.event_id in (select event_id from labels))
            order by d.event_ts desc limit {POOL}
        ),
        pool as (
            select k.event_id, c.rule_ids, {sized} from decision_input as k
            join chosen as c on k.event_id = c.event_id where k.version = 1
        ),
        spread as (select {spread} from pool),
        measured as (
            select p.event_id, exp(-({apart}) / {len(names)}) as features_alike,
                list_intersect(p.rule_ids, t.rule_ids) as shared, list_distinct(p.rule_ids || t.rule_ids) as fired
            from pool as p, target as t, spread as s
        ),
        nearest as (
            select event_id, shared as shared_rules,
                (features_alike + coalesce(len(shared)::double / nullif(len(fired), 0), 0)) / 2 as alike
            from measured order by alike desc, event_id limit {limit}
        )
        select {SHOWN}, l.scenario, n.alike, n.shared_rules
        from nearest as n join decisions as d on n.event_id = d.event_id and d.version = 1
        join stg_payments as s on d.event_id = s.event_id
        left join {VERDICTS} as l on d.event_id = l.event_id
        order by n.alike desc, d.event_id
        """,
        {"event_id": event_id},
    )
    if not rows and not reading.rows("select 1 from decisions where event_id = $id limit 1", {"id": event_id}):
        raise ProblemError(404, f"{event_id[:128]}: no event with that id was decided; it may have been rejected")
    return {"items": rows}
