select
    ip,
    serves,
    sum(txn_count)::bigint as ip_txn_count_24h,
    sum(amount_sum)::bigint as ip_amount_sum_24h,
    sum(decline_count)::bigint as ip_decline_count_24h
from (
    select *, window_end as serves
    from hop("dev"."public"."int_ip_hours", tile, interval '1 hour', interval '24 hour')
) as ahead
group by ip, serves
