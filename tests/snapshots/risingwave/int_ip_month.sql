with awaited as (

    select
        ip,
        tile as serves,
        false as is_awaited,
        txn_count, fraud_count
    from "dev"."public"."int_ip_days"
    where tile < (select max(date_trunc('day', counted_ts)) from "dev"."public"."int_newest_payment")
    union all
    select
        ip,
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
    window last_30d as (partition by ip order by serves range between interval '720 hours' preceding and interval '24 hours' preceding)

)

select
    ip,
    serves,
    ip_txn_count_30d,
    ip_fraud_count_30d
from windowed
where is_awaited
