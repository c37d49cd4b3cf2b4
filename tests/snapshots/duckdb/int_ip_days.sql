with made as (

    select
        ip,
        date_trunc('day', coalesce(transmitted_ts, event_ts)) as tile,
        1 as txn_count,
        0 as fraud_count
    from "memory"."main"."stg_payments"
    where ip is not null

),

confirmed as (

    select
        ip,
        date_trunc('day', arrived_at) as tile,
        0 as txn_count,
        1 as fraud_count
    from "memory"."main"."int_confirmed_frauds"
    where ip is not null

),

both_kinds as (

    select * from made
    union all
    select * from confirmed

)

select
    ip,
    tile,
    sum(txn_count)::bigint as txn_count,
    sum(fraud_count)::bigint as fraud_count
from both_kinds
group by ip, tile
