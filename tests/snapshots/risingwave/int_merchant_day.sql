with awaited as (

    with complete as (

        select
            merchant_id,
            date_trunc('month', tile) as span,
            date_trunc('month', tile + interval '24 hours') as next_span,
            tile as serves,
            false as is_awaited,
            txn_count::bigint, amount_sum::bigint, decline_count::bigint
        from "dev"."public"."int_merchant_hours"
        where tile < (select max(date_trunc('hour', last_counted_ts)) from "dev"."public"."int_payments__span")

    )

    select
        merchant_id,
        span,
        serves,
        is_awaited,
        txn_count, amount_sum, decline_count
    from complete
    union all
    select
        merchant_id,
        next_span as span,
        serves,
        is_awaited,
        txn_count, amount_sum, decline_count
    from complete
    where next_span <> span
    union all
    select
        merchant_id,
        date_trunc('month', serves) as span,
        serves,
        true as is_awaited,
        null::bigint as txn_count, null::bigint as amount_sum, null::bigint as decline_count
    from (
        select distinct on (merchant_id, serves) *
        from (
            select
                coalesce(merchant_id, chr(1) || to_char(coalesce(transmitted_ts, event_ts), 'YYYYMMDDHH24') || (source_offset % 64)::varchar) as merchant_id,
                date_trunc('hour', coalesce(transmitted_ts, event_ts)) as serves
            from "dev"."public"."stg_payments"
        ) as looked_up
    ) as firsts

),

windowed as (

    select
        *,
        coalesce(sum(txn_count) over last_24h, 0)::bigint as merchant_txn_count_24h,
        coalesce(sum(amount_sum) over last_24h, 0)::bigint as merchant_amount_sum_24h,
        coalesce(sum(decline_count) over last_24h, 0)::bigint as merchant_decline_count_24h
    from awaited
    window last_24h as (partition by merchant_id, span order by serves range between interval '24 hours' preceding and interval '1 hour' preceding)

)

select
    merchant_id,
    serves,
    merchant_txn_count_24h,
    merchant_amount_sum_24h,
    merchant_decline_count_24h
from windowed
where is_awaited
