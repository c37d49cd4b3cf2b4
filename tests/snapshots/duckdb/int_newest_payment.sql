with payments as (

    select * from "memory"."main"."stg_payments"

)

select max(coalesce(transmitted_ts, event_ts)) as counted_ts
from payments
