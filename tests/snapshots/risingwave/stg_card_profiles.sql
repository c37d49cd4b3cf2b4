select
    card_id,
    valid_from,
    segment,
    risk_class,
    status,
    opened_at,
    product,
    home_country,
    home_latitude,
    home_longitude,
    single_limit_minor,
    daily_limit_minor,
    mean_amount_minor,
    std_amount_minor,
    mean_daily_count,
    usual_radius_km,
    travels_abroad
from (
    select *
    from (
        select
            nullif(trim(document ->> 'card_id', ' '), '') as card_id,
            nullif(trim(document ->> 'account_id', ' '), '') as account_id,
            nullif(trim(document ->> 'customer_id', ' '), '') as customer_id,
            case
    when nullif(trim(document ->> 'valid_from', ' '), '') ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?$'
        then nullif(trim(document ->> 'valid_from', ' '), '')::timestamptz at time zone 'UTC'
end as valid_from,
            nullif(trim(document ->> 'segment', ' '), '') as segment,
            nullif(trim(document ->> 'risk_class', ' '), '') as risk_class,
            nullif(trim(document ->> 'status', ' '), '') as status,
            case
    when nullif(trim(document ->> 'opened_at', ' '), '') ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?$'
        then nullif(trim(document ->> 'opened_at', ' '), '')::timestamptz at time zone 'UTC'
end as opened_at,
            nullif(trim(document ->> 'product', ' '), '') as product,
            nullif(trim(document ->> 'home_country', ' '), '') as home_country,
            nullif(trim(document ->> 'home_city', ' '), '') as home_city,
            case when nullif(trim(document ->> 'home_latitude', ' '), '') ~ '^[+-]?[0-9]{1,15}([.][0-9]{0,30})?([eE][+-]?[0-9]{1,2})?$' then nullif(trim(document ->> 'home_latitude', ' '), '')::double precision end as home_latitude,
            case when nullif(trim(document ->> 'home_longitude', ' '), '') ~ '^[+-]?[0-9]{1,15}([.][0-9]{0,30})?([eE][+-]?[0-9]{1,2})?$' then nullif(trim(document ->> 'home_longitude', ' '), '')::double precision end as home_longitude,
            nullif(trim(document ->> 'billing_currency', ' '), '') as billing_currency,
            case when nullif(trim(document ->> 'single_limit_minor', ' '), '') ~ '^[+-]?[0-9]{1,18}([.]0{0,30})?$' then split_part(nullif(trim(document ->> 'single_limit_minor', ' '), ''), '.', 1)::bigint end as single_limit_minor,
            case when nullif(trim(document ->> 'daily_limit_minor', ' '), '') ~ '^[+-]?[0-9]{1,18}([.]0{0,30})?$' then split_part(nullif(trim(document ->> 'daily_limit_minor', ' '), ''), '.', 1)::bigint end as daily_limit_minor,
            case when nullif(trim(document ->> 'credit_limit_minor', ' '), '') ~ '^[+-]?[0-9]{1,18}([.]0{0,30})?$' then split_part(nullif(trim(document ->> 'credit_limit_minor', ' '), ''), '.', 1)::bigint end as credit_limit_minor,
            case when nullif(trim(document ->> 'mean_amount_minor', ' '), '') ~ '^[+-]?[0-9]{1,18}([.]0{0,30})?$' then split_part(nullif(trim(document ->> 'mean_amount_minor', ' '), ''), '.', 1)::bigint end as mean_amount_minor,
            case when nullif(trim(document ->> 'std_amount_minor', ' '), '') ~ '^[+-]?[0-9]{1,18}([.]0{0,30})?$' then split_part(nullif(trim(document ->> 'std_amount_minor', ' '), ''), '.', 1)::bigint end as std_amount_minor,
            case when nullif(trim(document ->> 'mean_daily_count', ' '), '') ~ '^[+-]?[0-9]{1,15}([.][0-9]{0,30})?([eE][+-]?[0-9]{1,2})?$' then nullif(trim(document ->> 'mean_daily_count', ' '), '')::double precision end as mean_daily_count,
            case when nullif(trim(document ->> 'usual_radius_km', ' '), '') ~ '^[+-]?[0-9]{1,15}([.][0-9]{0,30})?([eE][+-]?[0-9]{1,2})?$' then nullif(trim(document ->> 'usual_radius_km', ' '), '')::double precision end as usual_radius_km,
            case
    when lower(nullif(trim(document ->> 'travels_abroad', ' '), '')) in ('true', 't', '1', 'yes') then true
    when lower(nullif(trim(document ->> 'travels_abroad', ' '), '')) in ('false', 'f', '0', 'no') then false
end as travels_abroad
        from (
    select
        *,
        message::jsonb as document
    from (
        select
            *,
            case when octet_length(payload) <= 1048576 then convert_from(payload, 'utf8') end as message
        from "dev"."public"."card_profiles"
    ) as messages
) as documents
    ) as typed
    where card_id is not null and valid_from is not null
) as landed
