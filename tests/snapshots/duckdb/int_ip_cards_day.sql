select
    ip,
    serves,
    count(distinct card_id) as ip_card_count_24h
from (
    select
        past.*,
        own.serves
    from (
        select distinct
            ip,
            date_trunc('hour', coalesce(transmitted_ts, event_ts)) as serves
        from "memory"."main"."stg_payments"
        where ip is not null
    ) as own
    inner join (
        select
            *,
            unnest([time_bucket(interval '24 hour', tile), time_bucket(interval '24 hour', tile) + interval '24 hour']) as span
        from "memory"."main"."int_ip_card_hours"
    ) as past
        on
            own.ip = past.ip
            and time_bucket(interval '24 hour', own.serves) = past.span
            and own.serves > past.tile
            and own.serves - interval '24 hour' <= past.tile
) as ahead
group by ip, serves
