{{ config(materialized = stream_only_kind()) }}

with payments as (

    select * from {{ ref('stg_payments') }}

)

select max({{ counted_ts() }}) as counted_ts
from payments
