{# Payments by the day they count from and confirmed frauds by the day their label arrived, side by side by key and day. #}
{% macro fraud_days(key) -%}
with made as (

    select
        {{ key }},
        date_trunc('day', {{ counted_ts() }}) as tile,
        1 as txn_count,
        0 as fraud_count
    from {{ ref('stg_payments') }}
    where {{ key }} is not null

),

confirmed as (

    select
        {{ key }},
        date_trunc('day', arrived_at) as tile,
        0 as txn_count,
        1 as fraud_count
    from {{ ref('int_confirmed_frauds') }}
    where {{ key }} is not null

),

both_kinds as (

    select * from made
    union all
    select * from confirmed

)

select
    {{ key }},
    tile,
    sum(txn_count)::bigint as txn_count,
    sum(fraud_count)::bigint as fraud_count
from both_kinds
group by {{ key }}, tile
{%- endmacro %}
