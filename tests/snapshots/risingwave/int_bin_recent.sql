with ahead as (

    select
        *,
        tile >= serves - interval '10 minutes' as in_10m
    from (
    select *, window_end as serves
    from hop("dev"."public"."int_bin_minutes", tile, interval '1 minute', interval '60 minute')
) as tiles

)

select
    bin,
    serves,
    sum(case when in_10m then txn_count else 0 end)::bigint as bin_txn_count_10m,
    sum(case when in_10m then amount_sum else 0 end)::bigint as bin_amount_sum_10m,
    sum(case when in_10m then decline_count else 0 end)::bigint as bin_decline_count_10m,
    sum(txn_count)::bigint as bin_txn_count_1h,
    sum(amount_sum)::bigint as bin_amount_sum_1h,
    sum(decline_count)::bigint as bin_decline_count_1h
from ahead
group by bin, serves
