select
    ip,
    serves,
    sum(txn_count)::bigint as ip_txn_count_30d,
    sum(fraud_count)::bigint as ip_fraud_count_30d
from (
    select
        past.*,
        own.serves
    from (
        select distinct
            ip,
            date_trunc('day', coalesce(transmitted_ts, event_ts)) as serves
        from "memory"."main"."stg_payments"
        where ip is not null
    ) as own
    inner join (
        select
            *,
            unnest([time_bucket(interval '30 day', tile), time_bucket(interval '30 day', tile) + interval '30 day']) as span
        from "memory"."main"."int_ip_days"
    ) as past
        on
            own.ip = past.ip
            and time_bucket(interval '30 day', own.serves) = past.span
            and own.serves > past.tile
            and own.serves - interval '30 day' <= past.tile
) as ahead
group by ip, serves
