select
    device_id,
    valid_from,
    device_type,
    os,
    is_emulator,
    is_rooted,
    first_seen_at
from (
    select *
    from (
        select
            nullif(trim(document ->> 'device_id', ' '), '') as device_id,
            case
    when nullif(trim(document ->> 'valid_from', ' '), '') ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?$'
        then nullif(trim(document ->> 'valid_from', ' '), '')::timestamptz at time zone 'UTC'
end as valid_from,
            nullif(trim(document ->> 'fingerprint', ' '), '') as fingerprint,
            nullif(trim(document ->> 'device_type', ' '), '') as device_type,
            nullif(trim(document ->> 'manufacturer', ' '), '') as manufacturer,
            nullif(trim(document ->> 'model', ' '), '') as model,
            nullif(trim(document ->> 'os', ' '), '') as os,
            nullif(trim(document ->> 'os_version', ' '), '') as os_version,
            nullif(trim(document ->> 'app_version', ' '), '') as app_version,
            nullif(trim(document ->> 'browser', ' '), '') as browser,
            nullif(trim(document ->> 'language', ' '), '') as language,
            case when nullif(trim(document ->> 'timezone_offset_minutes', ' '), '') ~ '^[+-]?[0-9]{1,18}([.]0{0,30})?$' then split_part(nullif(trim(document ->> 'timezone_offset_minutes', ' '), ''), '.', 1)::bigint end as timezone_offset_minutes,
            case
    when lower(nullif(trim(document ->> 'is_emulator', ' '), '')) in ('true', 't', '1', 'yes') then true
    when lower(nullif(trim(document ->> 'is_emulator', ' '), '')) in ('false', 'f', '0', 'no') then false
end as is_emulator,
            case
    when lower(nullif(trim(document ->> 'is_rooted', ' '), '')) in ('true', 't', '1', 'yes') then true
    when lower(nullif(trim(document ->> 'is_rooted', ' '), '')) in ('false', 'f', '0', 'no') then false
end as is_rooted,
            case
    when nullif(trim(document ->> 'first_seen_at', ' '), '') ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?$'
        then nullif(trim(document ->> 'first_seen_at', ' '), '')::timestamptz at time zone 'UTC'
end as first_seen_at
        from (
    select
        *,
        message::jsonb as document
    from (
        select
            *,
            case when octet_length(payload) <= 1048576 then convert_from(payload, 'utf8') end as message
        from "dev"."public"."devices"
    ) as messages
) as documents
    ) as typed
    where device_id is not null and valid_from is not null
) as landed
