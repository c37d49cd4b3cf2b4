"""What the registry of models says, asked when it is needed: its packages are an extra."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from riskwave.errors import RiskwaveError
from riskwave.serve.problems import ProblemError
from riskwave.serve.reading import Reading

if TYPE_CHECKING:
    from riskwave.scoring.rollout import Rollout

HIDDEN = ("file", "small", "pictures")
_SCORED = """
select model_version as version, count(*) as events, avg(model_score) as score,
    count(*) filter (action <> 'allow') as flagged, count(l.event_id) as frauds
from decisions as d left join (
    select event_id from labels group by event_id having arg_max(verdict, arrived_at) = 'fraud'
) as l using (event_id)
where d.version = 1 and model_version is not null
    and event_ts > (select max(event_ts) from decisions) - interval '7 days'
group by all order by events desc
"""


def open_rollout(registry: str | None) -> Rollout:
    """The rollout of a server's registry. Raises ProblemError where there is none, or none that can be read."""
    if registry is None:
        raise ProblemError(409, "the server has no registry of models; start it with --models riskwave.models.db")
    try:
        from riskwave.scoring.registry import Registry
        from riskwave.scoring.rollout import Rollout
    except ImportError:
        raise ProblemError(503, "the registry cannot be read: install riskwave[models]", retry_after=600) from None
    try:
        return Rollout(Registry(registry))
    except RiskwaveError as fault:
        raise ProblemError(503, str(fault), retry_after=30) from None


def online_models(registry: str | None) -> list[str]:
    """Names of the models with a version online."""
    versions = open_rollout(registry).registry.versions()
    return sorted({version.name for version in versions if version.state == "online"})


def model_detail(registry: str | None, reading: Reading, name: str) -> dict[str, Any]:
    """A model's versions, what each does and scored of the last 7 days. Raises ProblemError 404 for none."""
    rollout = open_rollout(registry)
    from riskwave.scoring.rollout import beside, parts

    found = rollout.registry.versions(name)
    if not found:
        raise ProblemError(404, f"{name}: the registry has no such model; GET /v1/models lists them")
    roles, now = parts(rollout.registry, name), beside(rollout.registry, name)
    versions = [
        {key: value for key, value in one.as_dict().items() if key not in HIDDEN}
        | {"role": roles.get(one.version) or one.state}
        for one in found
    ]
    online = list(now.vote) or [one.version for one in found if one.state == "online"]
    scored = [row for row in reading.rows(_SCORED) if str(row["version"]).startswith(f"{name} ")]
    routed = {key: value for key, value in asdict(now).items() if key in ("canary", "share", "shadows")}
    return {"name": name, "versions": versions, "online": online, **routed, "scored": scored}
