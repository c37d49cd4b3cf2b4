select
    merchant_id,
    serves,
    sum(txn_count)::bigint as merchant_txn_count_30d,
    sum(fraud_count)::bigint as merchant_fraud_count_30d
from (
    select
        past.*,
        own.serves
    from (
        select distinct
            merchant_id,
            date_trunc('day', coalesce(transmitted_ts, event_ts)) as serves
        from "memory"."main"."stg_payments"
        where merchant_id is not null
    ) as own
    inner join (
        select
            *,
            unnest([time_bucket(interval '30 day', tile), time_bucket(interval '30 day', tile) + interval '30 day']) as span
        from "memory"."main"."int_merchant_days"
    ) as past
        on
            own.merchant_id = past.merchant_id
            and time_bucket(interval '30 day', own.serves) = past.span
            and own.serves > past.tile
            and own.serves - interval '30 day' <= past.tile
) as ahead
group by merchant_id, serves
