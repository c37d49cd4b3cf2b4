with payments as (

    select * from "dev"."public"."stg_payments"

)

select max(event_ts) as event_ts
from payments
