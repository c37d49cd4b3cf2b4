with payments as (

    select * from "memory"."main"."stg_payments"

)

select max(event_ts) as event_ts
from payments
