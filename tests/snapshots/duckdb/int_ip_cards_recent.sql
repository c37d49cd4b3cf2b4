select
    ip,
    serves,
    count(distinct card_id) as ip_card_count_1h
from (
    select
        past.*,
        own.serves
    from (
        select distinct
            ip,
            date_trunc('minute', coalesce(transmitted_ts, event_ts)) as serves
        from "memory"."main"."stg_payments"
        where ip is not null
    ) as own
    inner join (
        select
            *,
            unnest([time_bucket(interval '60 minute', tile), time_bucket(interval '60 minute', tile) + interval '60 minute']) as span
        from "memory"."main"."int_ip_card_minutes"
    ) as past
        on
            own.ip = past.ip
            and time_bucket(interval '60 minute', own.serves) = past.span
            and own.serves > past.tile
            and own.serves - interval '60 minute' <= past.tile
) as ahead
group by ip, serves
