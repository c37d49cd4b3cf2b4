with ahead as (

    select
        *,
        tile >= serves - interval '10 minutes' as in_10m
    from (
    select *, window_end as serves
    from hop("dev"."public"."int_ip_minutes", tile, interval '1 minute', interval '60 minute')
) as tiles

)

select
    ip,
    serves,
    sum(case when in_10m then txn_count else 0 end)::bigint as ip_txn_count_10m,
    sum(case when in_10m then amount_sum else 0 end)::bigint as ip_amount_sum_10m,
    sum(case when in_10m then decline_count else 0 end)::bigint as ip_decline_count_10m,
    sum(txn_count)::bigint as ip_txn_count_1h,
    sum(amount_sum)::bigint as ip_amount_sum_1h,
    sum(decline_count)::bigint as ip_decline_count_1h
from ahead
group by ip, serves
