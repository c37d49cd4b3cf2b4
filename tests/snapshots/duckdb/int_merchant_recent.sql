with ahead as (

    select
        *,
        tile >= serves - interval '10 minutes' as in_10m
    from (
    select
        past.*,
        own.serves
    from (
        select distinct
            merchant_id,
            date_trunc('minute', coalesce(transmitted_ts, event_ts)) as serves
        from "memory"."main"."stg_payments"
        where merchant_id is not null
    ) as own
    inner join (
        select
            *,
            unnest([time_bucket(interval '60 minute', tile), time_bucket(interval '60 minute', tile) + interval '60 minute']) as span
        from "memory"."main"."int_merchant_minutes"
    ) as past
        on
            own.merchant_id = past.merchant_id
            and time_bucket(interval '60 minute', own.serves) = past.span
            and own.serves > past.tile
            and own.serves - interval '60 minute' <= past.tile
) as tiles

)

select
    merchant_id,
    serves,
    sum(case when in_10m then txn_count else 0 end)::bigint as merchant_txn_count_10m,
    sum(case when in_10m then amount_sum else 0 end)::bigint as merchant_amount_sum_10m,
    sum(case when in_10m then decline_count else 0 end)::bigint as merchant_decline_count_10m,
    sum(txn_count)::bigint as merchant_txn_count_1h,
    sum(amount_sum)::bigint as merchant_amount_sum_1h,
    sum(decline_count)::bigint as merchant_decline_count_1h
from ahead
group by merchant_id, serves
