select
    merchant_id,
    serves,
    sum(txn_count)::bigint as merchant_txn_count_30d,
    sum(fraud_count)::bigint as merchant_fraud_count_30d
from (
    select *, window_end as serves
    from hop("dev"."public"."int_merchant_days", tile, interval '1 day', interval '30 day')
) as ahead
group by merchant_id, serves
