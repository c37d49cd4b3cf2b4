select
    event_id,
    verdict,
    arrived_at,
    source,
    episode_id,
    scenario
from (
    select *
    from (
        select
            nullif(trim(document ->> 'event_id', ' '), '') as event_id,
            nullif(trim(document ->> 'verdict', ' '), '') as verdict,
            case
    when nullif(trim(document ->> 'arrived_at', ' '), '') ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?$'
        then nullif(trim(document ->> 'arrived_at', ' '), '')::timestamptz at time zone 'UTC'
end as arrived_at,
            nullif(trim(document ->> 'source', ' '), '') as source,
            nullif(trim(document ->> 'episode_id', ' '), '') as episode_id,
            nullif(trim(document ->> 'scenario', ' '), '') as scenario
        from (
    select
        *,
        message::jsonb as document
    from (
        select
            *,
            case when octet_length(payload) <= 1048576 then convert_from(payload, 'utf8') end as message
        from "dev"."public"."labels"
    ) as messages
) as documents
    ) as typed
    where event_id is not null and verdict is not null and arrived_at is not null
) as landed
