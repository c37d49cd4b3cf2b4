with awaited as (

    with complete as (

        select
            ip,
            date_trunc('month', tile) as span,
            date_trunc('month', tile + interval '24 hours') as next_span,
            tile as serves,
            false as is_awaited,
            txn_count::bigint, amount_sum::bigint, decline_count::bigint
        from "dev"."public"."int_ip_hours"
        where tile < (select max(date_trunc('hour', last_counted_ts)) from "dev"."public"."int_payments__span")

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
        date_trunc('month', serves) as span,
        serves,
        true as is_awaited,
        null::bigint as txn_count, null::bigint as amount_sum, null::bigint as decline_count
    from (
        select distinct on (ip, serves) *
        from (
            select
                coalesce(ip, chr(1) || to_char(coalesce(transmitted_ts, event_ts), 'YYYYMMDDHH24') || (source_offset % 64)::varchar) as ip,
                date_trunc('hour', coalesce(transmitted_ts, event_ts)) as serves
            from "dev"."public"."stg_payments"
        ) as looked_up
    ) as firsts

),

windowed as (

    select
        *,
        coalesce(sum(txn_count) over last_24h, 0)::bigint as ip_txn_count_24h,
        coalesce(sum(amount_sum) over last_24h, 0)::bigint as ip_amount_sum_24h,
        coalesce(sum(decline_count) over last_24h, 0)::bigint as ip_decline_count_24h
    from awaited
    window last_24h as (partition by ip, span order by serves range between interval '24 hours' preceding and interval '1 hour' preceding)

)

select
    ip,
    serves,
    ip_txn_count_24h,
    ip_amount_sum_24h,
    ip_decline_count_24h
from windowed
where is_awaited
