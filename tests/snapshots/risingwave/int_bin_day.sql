select
    bin,
    serves,
    sum(txn_count)::bigint as bin_txn_count_24h,
    sum(amount_sum)::bigint as bin_amount_sum_24h,
    sum(decline_count)::bigint as bin_decline_count_24h
from (
    select *, window_end as serves
    from hop("dev"."public"."int_bin_hours", tile, interval '1 hour', interval '24 hour')
) as ahead
group by bin, serves
