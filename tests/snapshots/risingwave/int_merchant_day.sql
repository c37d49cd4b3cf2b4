select
    merchant_id,
    serves,
    sum(txn_count)::bigint as merchant_txn_count_24h,
    sum(amount_sum)::bigint as merchant_amount_sum_24h,
    sum(decline_count)::bigint as merchant_decline_count_24h
from (
    select *, window_end as serves
    from hop("dev"."public"."int_merchant_hours", tile, interval '1 hour', interval '24 hour')
) as ahead
group by merchant_id, serves
