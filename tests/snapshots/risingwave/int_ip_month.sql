with awaited as (

    with complete as (

        select
            ip,
            date_trunc('year', tile) as span,
            date_trunc('year', tile + interval '720 hours') as next_span,
            tile as serves,
            false as is_awaited,
            txn_count::bigint, fraud_count::bigint
        from "dev"."public"."int_ip_days"
        where tile < (select max(date_trunc('day', last_counted_ts)) from "dev"."public"."int_payments__span")

    )

    select
        ip,
        span,
        serves,
        is_awaited,
        txn_count, fraud_count
    from complete
    union all
    select
        ip,
        next_span as span,
        serves,
        is_awaited,
        txn_count, fraud_count
    from complete
    where next_span <> span
    union all
    select
        ip,
        date_trunc('year', serves) as span,
        serves,
        true as is_awaited,
        null::bigint as txn_count, null::bigint as fraud_count
    from (
        select distinct on (ip, serves) *
        from (
            select
                coalesce(ip, chr(1) || to_char(coalesce(transmitted_ts, event_ts), 'YYYYMMDDHH24') || (source_offset % 64)::varchar) as ip,
                date_trunc('day', coalesce(transmitted_ts, event_ts)) as serves
            from "dev"."public"."stg_payments"
        ) as looked_up
    ) as firsts

),

windowed as (

    select
        *,
        coalesce(sum(txn_count) over last_30d, 0)::bigint as ip_txn_count_30d,
        coalesce(sum(fraud_count) over last_30d, 0)::bigint as ip_fraud_count_30d
    from awaited
    window last_30d as (partition by ip, span order by serves range between interval '720 hours' preceding and interval '24 hours' preceding)

)

select
    ip,
    serves,
    ip_txn_count_30d,
    ip_fraud_count_30d
from windowed
where is_awaited
