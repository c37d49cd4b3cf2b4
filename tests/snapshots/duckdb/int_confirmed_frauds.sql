with labels as (

    select * from "memory"."main"."stg_labels"

),

payments as (

    select * from "memory"."main"."stg_payments"

)

select
    labels.event_id,
    -- A payment is one fraud, however often somebody says so.
    min(labels.arrived_at) as arrived_at,
    payments.merchant_id,
    payments.ip
from labels
inner join payments on labels.event_id = payments.event_id
where
    labels.verdict = 'fraud'
    -- What bounds the join: a label that comes later than a month after its payment no longer moves a rate.
    and labels.arrived_at between payments.event_ts and payments.event_ts + interval '720 hours'
group by labels.event_id, payments.merchant_id, payments.ip
