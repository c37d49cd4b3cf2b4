with awaited as (

    with complete as (

        select
            ip,
            date_trunc('day', tile) as span,
            date_trunc('day', tile + interval '60 minutes') as next_span,
            tile as serves,
            false as is_awaited,
            txn_count::bigint, amount_sum::bigint, decline_count::bigint
        from "dev"."public"."int_ip_minutes"
        where tile < (select max(date_trunc('minute', last_counted_ts)) from "dev"."public"."int_payments__span")

    )

    select
        ip,
        span,
        serves,
        is_awaited,
        txn_count, amount_sum, decline_count
    from complete
    union all
    select
        ip,
        next_span as span,
        serves,
        is_awaited,
        txn_count, amount_sum, decline_count
    from complete
    where next_span <> span
    union all
    select
        ip,
        date_trunc('day', serves) as span,
        serves,
        true as is_awaited,
        null::bigint as txn_count, null::bigint as amount_sum, null::bigint as decline_count
    from (
        select distinct on (ip, serves) *
        from (
            select
                coalesce(ip, chr(1) || to_char(coalesce(transmitted_ts, event_ts), 'YYYYMMDDHH24') || (source_offset % 64)::varchar) as ip,
                date_trunc('minute', coalesce(transmitted_ts, event_ts)) as serves
            from "dev"."public"."stg_payments"
        ) as looked_up
    ) as firsts

),

windowed as (

    select
        *,
        coalesce(sum(txn_count) over last_10m, 0)::bigint as ip_txn_count_10m,
        coalesce(sum(amount_sum) over last_10m, 0)::bigint as ip_amount_sum_10m,
        coalesce(sum(decline_count) over last_10m, 0)::bigint as ip_decline_count_10m,
        coalesce(sum(txn_count) over last_1h, 0)::bigint as ip_txn_count_1h,
        coalesce(sum(amount_sum) over last_1h, 0)::bigint as ip_amount_sum_1h,
        coalesce(sum(decline_count) over last_1h, 0)::bigint as ip_decline_count_1h
    from awaited
    window
        last_10m as (partition by ip, span order by serves range between interval '10 minutes' preceding and interval '1 minute' preceding),
        last_1h as (partition by ip, span order by serves range between interval '60 minutes' preceding and interval '1 minute' preceding)

)

select
    ip,
    serves,
    ip_txn_count_10m,
    ip_amount_sum_10m,
    ip_decline_count_10m,
    ip_txn_count_1h,
    ip_amount_sum_1h,
    ip_decline_count_1h
from windowed
where is_awaited
