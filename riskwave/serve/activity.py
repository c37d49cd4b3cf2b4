"""What happened lately, in figures; no tokens in them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from riskwave.serve.finding import read_cursor, write_cursor
from riskwave.serve.reading import Reading

_EVENTS = (
    "decisions as d join stg_payments as s on d.event_id = s.event_id where d.version = 1 and d.event_ts > $start "
    "and s.event_ts > $start"
)


def activity(reading: Reading, hours: float, buckets: int) -> dict[str, Any]:
    """The last hours before the latest event, in so many spans of equal length."""
    end = reading.rows("select max(event_ts) as latest from stg_payments")[0]["latest"]
    if end is None:
        return {"start": None, "end": None, "buckets": [], "scores": [], "rules": [], "places": []}
    start = end - timedelta(hours=hours)
    width = max(int(hours * 3600 / buckets), 1)
    given = {"start": start}
    spans = reading.rows(
        f"select time_bucket(interval '{width} seconds', d.event_ts) as start, d.action, count(*) as events, "
        f"sum(s.billing_amount_minor)::bigint as amount_minor from {_EVENTS} group by all order by 1, 2",
        given,
    )
    scores = reading.rows(
        "select floor(model_score * 20) / 20 as score, count(*) as events from decisions "
        "where version = 1 and event_ts > $start and model_score is not null group by 1 order by 1",
        given,
    )
    rules = reading.rows(
        "select rule, count(*) as events, count(f.event_id) as frauds from "
        "(select event_id, unnest(rule_ids) as rule from decisions where version = 1 and event_ts > $start) as d "
        "left join (select distinct event_id from labels where verdict = 'fraud') as f using (event_id) "
        "group by rule order by events desc, rule limit 50",
        given,
    )
    places = reading.rows(
        "select round(s.latitude, 1) as latitude, round(s.longitude, 1) as longitude, count(*) as events, "
        f"count(*) filter (d.action <> 'allow') as flagged from {_EVENTS} and s.latitude is not null "
        "group by 1, 2 order by flagged desc, events desc, 1, 2 limit 500",
        given,
    )
    return {"start": start, "end": end, "buckets": spans, "scores": scores, "rules": rules, "places": places}


def rejected(reading: Reading, limit: int, cursor: str | None, *, raw: bool) -> dict[str, Any]:
    """A page of rejected events, the latest first; raw: with their bytes."""
    place = "source || ':' || source_partition || ':' || lpad(source_offset::varchar, 20, '0')"
    where, given = "true", dict[str, Any]()
    if cursor is not None:
        moment, name = read_cursor(cursor)
        where = f"(received_at, {place}) < ($after_ts, $after_place)"
        given = {"after_ts": moment, "after_place": name}
    rows = reading.rows(
        "select source, source_partition, source_offset, received_at, event_id, reject_reason, "
        f"{'raw' if raw else 'null'} as raw, {place} as place from rejected_events where {where} "
        f"order by received_at desc, place desc limit {limit + 1}",
        given,
    )
    more = len(rows) > limit
    items = rows[:limit]
    after = write_cursor(items[-1]["received_at"], items[-1]["place"]) if more else None
    return {"items": [{k: v for k, v in row.items() if k != "place"} for row in items], "next": after}
