with payments as (

    select * from "dev"."public"."stg_payments"

)

select
    min(event_ts) as first_event_ts,
    max(event_ts) as last_event_ts,
    max(coalesce(transmitted_ts, event_ts)) as last_counted_ts
from payments
