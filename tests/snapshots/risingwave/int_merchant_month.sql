with awaited as (

    with complete as (

        select
            merchant_id,
            date_trunc('year', tile) as span,
            date_trunc('year', tile + interval '720 hours') as next_span,
            tile as serves,
            false as is_awaited,
            txn_count::bigint, fraud_count::bigint
        from "dev"."public"."int_merchant_days"
        where tile < (select max(date_trunc('day', last_counted_ts)) from "dev"."public"."int_payments__span")

    )

    select
        merchant_id,
        span,
        serves,
        is_awaited,
        txn_count, fraud_count
    from complete
    union all
    select
        merchant_id,
        next_span as span,
        serves,
        is_awaited,
        txn_count, fraud_count
    from complete
    where next_span <> span
    union all
    select
        merchant_id,
        date_trunc('year', serves) as span,
        serves,
        true as is_awaited,
        null::bigint as txn_count, null::bigint as fraud_count
    from (
        select distinct on (merchant_id, serves) *
        from (
            select
                coalesce(merchant_id, chr(1) || to_char(coalesce(transmitted_ts, event_ts), 'YYYYMMDDHH24') || (source_offset % 64)::varchar) as merchant_id,
                date_trunc('day', coalesce(transmitted_ts, event_ts)) as serves
            from "dev"."public"."stg_payments"
        ) as looked_up
    ) as firsts

),

windowed as (

    select
        *,
        coalesce(sum(txn_count) over last_30d, 0)::bigint as merchant_txn_count_30d,
        coalesce(sum(fraud_count) over last_30d, 0)::bigint as merchant_fraud_count_30d
    from awaited
    window last_30d as (partition by merchant_id, span order by serves range between interval '720 hours' preceding and interval '24 hours' preceding)

)

select
    merchant_id,
    serves,
    merchant_txn_count_30d,
    merchant_fraud_count_30d
from windowed
where is_awaited
