"""Cards, devices, addresses and merchants: what they did, what was known of them, whom they share things with."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from riskwave.catalogue import load_catalogue
from riskwave.serve.finding import ENTITIES, naive
from riskwave.serve.problems import ProblemError
from riskwave.serve.reading import Reading

Kind = Literal["card", "device", "ip", "merchant"]
NEIGHBOURS = 50  # of one kind


class Span(BaseModel):
    """A time, by the event's own."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    start: AwareDatetime | None = Field(None, alias="from", description="Events from then on")
    end: AwareDatetime | None = Field(None, alias="to", description="Events before then")
    names: str | None = Field(None, max_length=2_000, description="Features, by commas; else those of the entity")
    limit: int = Field(500, ge=1, le=5_000, description="How many events, the latest ones")


def find_entities(reading: Reading, begins: str, limit: int) -> list[dict[str, Any]]:
    """Entities whose name begins with a text, those with most events first."""
    parts = [
        f"select '{kind}' as kind, {column} as id, count(*) as events, max(event_ts) as last_seen from stg_payments "
        f"where starts_with({column}, $begins) group by all"
        for kind, column in ENTITIES.items()
    ]
    return reading.rows(
        f"select * from ({' union all '.join(parts)}) order by events desc, kind, id limit {limit}", {"begins": begins}
    )


def entity(reading: Reading, kind: Kind, name: str) -> dict[str, Any]:
    """What is known of an entity at its last event. Raises ProblemError 404 for one that was never seen."""
    column, given = ENTITIES[kind], {"id": name}
    found = reading.rows(
        "select count(*) as events, min(s.event_ts) as first_seen, max(s.event_ts) as last_seen, "
        "sum(s.billing_amount_minor)::bigint as amount_minor, count(*) filter (d.action = 'allow') as allowed, "
        "count(*) filter (d.action = 'challenge') as challenged, count(*) filter (d.action = 'review') as reviewed, "
        "count(*) filter (d.action = 'block') as blocked, count(l.event_id) as frauds "
        "from stg_payments as s left join decisions as d on s.event_id = d.event_id and d.version = 1 "
        "left join (select distinct event_id from labels where verdict = 'fraud') as l on s.event_id = l.event_id "
        f"where s.{column} = $id",
        given,
    )[0]
    if not found["events"]:
        raise ProblemError(404, f"{kind} {name[:128]}: was never seen")
    latest = reading.rows(
        f"select * from decision_input where {column} = $id "
        "order by event_ts desc, event_id desc, version desc limit 1",
        given,
    )[0]
    features = {feature: latest.get(feature) for feature in _own_features(kind)}
    return {"kind": kind, "id": name, **found, "features": features}


def features_over_time(reading: Reading, kind: Kind, name: str, span: Span) -> dict[str, Any]:
    """Values of features at the entity's last events, the oldest first. Raises ProblemError for an unknown feature."""
    known = {feature.name for feature in load_catalogue()}
    names = [each.strip() for each in span.names.split(",")] if span.names else _own_features(kind)
    unknown = sorted(set(names) - known)
    if unknown:
        raise ProblemError(422, f"names: no feature {unknown[0][:100]}; GET /v1/features lists them")
    where, given = _within(kind, name, span)
    columns = ", ".join(f'"{each}"' for each in dict.fromkeys([*names]))
    rows = reading.rows(
        f"select event_id, event_ts, {columns} from decision_input where version = 1 and {where} "
        f"order by event_ts desc, event_id desc limit {span.limit}",
        given,
    )
    points = [
        {"event_id": row["event_id"], "event_ts": row["event_ts"], "values": [row[each] for each in names]}
        for row in reversed(rows)
    ]
    return {"names": names, "points": points}


def links(reading: Reading, kind: Kind, name: str) -> dict[str, Any]:
    """The entities met in the same payments, and the cards met with those, as a graph."""
    nodes: dict[tuple[str, str], dict[str, Any]] = {(kind, name): {"kind": kind, "id": name, "distance": 0}}
    edges: list[dict[str, Any]] = []

    def step(of: str, among: list[str], to: str, distance: int) -> list[str]:
        rows = reading.rows(
            f"select {ENTITIES[of]} as a, {ENTITIES[to]} as b, count(*) as events, "
            "count(*) filter (f.event_id is not null) as frauds, max(event_ts) as last_seen from stg_payments as s "
            "left join (select distinct event_id from labels where verdict = 'fraud') as f using (event_id) "
            f"where {ENTITIES[of]} in (select unnest($among)) and {ENTITIES[to]} is not null "
            f"group by all order by events desc, b limit {NEIGHBOURS}",
            {"among": among},
        )
        for row in rows:
            nodes.setdefault((to, row["b"]), {"kind": to, "id": row["b"], "distance": distance})
            edges.append(
                {
                    "from": f"{of}:{row['a']}",
                    "to": f"{to}:{row['b']}",
                    "events": row["events"],
                    "frauds": row["frauds"],
                    "last_seen": row["last_seen"],
                }
            )
        return [row["b"] for row in rows]

    for other in ENTITIES:
        if other == kind:
            continue
        met = step(kind, [name], other, 1)
        # A merchant is shared by strangers: it links nobody.
        if met and other in ("device", "ip") and kind != "merchant":
            step(other, met, "card", 2)
    unique = {(edge["from"], edge["to"]): edge for edge in edges}
    return {"nodes": list(nodes.values()), "edges": list(unique.values())}


def _own_features(kind: Kind) -> list[str]:
    own = {kind, "profile"} if kind == "card" else {kind}
    return [feature.name for feature in load_catalogue() if feature.entity in own]


def _within(kind: Kind, name: str, span: Span) -> tuple[str, dict[str, Any]]:
    where, given = [f"{ENTITIES[kind]} = $id"], dict[str, Any](id=name)
    if span.start is not None:
        where.append("event_ts >= $start")
        given["start"] = naive(span.start)
    if span.end is not None:
        where.append("event_ts < $end")
        given["end"] = naive(span.end)
    return " and ".join(where), given
