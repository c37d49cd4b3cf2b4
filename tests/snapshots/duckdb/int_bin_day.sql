select
    bin,
    serves,
    sum(txn_count)::bigint as bin_txn_count_24h,
    sum(amount_sum)::bigint as bin_amount_sum_24h,
    sum(decline_count)::bigint as bin_decline_count_24h
from (
    select
        past.*,
        own.serves
    from (
        select distinct
            bin,
            date_trunc('hour', coalesce(transmitted_ts, event_ts)) as serves
        from "memory"."main"."stg_payments"
        where bin is not null
    ) as own
    inner join (
        select
            *,
            unnest([time_bucket(interval '24 hour', tile), time_bucket(interval '24 hour', tile) + interval '24 hour']) as span
        from "memory"."main"."int_bin_hours"
    ) as past
        on
            own.bin = past.bin
            and time_bucket(interval '24 hour', own.serves) = past.span
            and own.serves > past.tile
            and own.serves - interval '24 hour' <= past.tile
) as ahead
group by bin, serves
