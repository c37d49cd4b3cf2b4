select
    ip,
    serves,
    sum(txn_count)::bigint as ip_txn_count_30d,
    sum(fraud_count)::bigint as ip_fraud_count_30d
from (
    select *, window_end as serves
    from hop("dev"."public"."int_ip_days", tile, interval '1 day', interval '30 day')
) as ahead
group by ip, serves
