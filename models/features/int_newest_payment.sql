{{ config(materialized = stream_only_kind()) }}

with payments as (

    select * from {{ ref('stg_payments') }}

)

select max(event_ts) as event_ts
from payments
