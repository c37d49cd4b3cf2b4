{{ config(materialized = stream_only_kind()) }}

with payments as (

    select * from {{ ref('stg_payments') }}

)

select
    min(event_ts) as first_event_ts,
    max(event_ts) as last_event_ts,
    max({{ counted_ts() }}) as last_counted_ts
from payments
