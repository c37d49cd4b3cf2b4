with payments as (

    select * from "dev"."public"."stg_payments"

)

select max(coalesce(transmitted_ts, event_ts)) as counted_ts
from payments
