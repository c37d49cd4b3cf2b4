{# Frauds confirmed, and payments made, in the 30 complete days before an event's own, under the key and the day they serve. #}
{% macro fraud_month(entity, key, days) %}{{ return(adapter.dispatch('fraud_month', 'riskwave')(entity, key, days)) }}{% endmacro %}

{% macro duckdb__fraud_month(entity, key, days) -%}
select
    {{ key }},
    serves,
    sum(txn_count)::bigint as {{ entity }}_txn_count_30d,
    sum(fraud_count)::bigint as {{ entity }}_fraud_count_30d
from {{ tiles_ahead(days, key, 'day', 30, ref('stg_payments')) }} as ahead
group by {{ key }}, serves
{%- endmacro %}

{% macro risingwave__fraud_month(entity, key, days) -%}
{%- set longest = '720 hours' -%}
with awaited as (

    {{ tiles_and_awaited(days, key, 'day', longest, {'txn_count': 'bigint', 'fraud_count': 'bigint'}) }}

),

windowed as (

    select
        *,
        {{ sum_ahead('txn_count', 'last_30d') }} as {{ entity }}_txn_count_30d,
        {{ sum_ahead('fraud_count', 'last_30d') }} as {{ entity }}_fraud_count_30d
    from awaited
    window last_30d as ({{ tiles_before(key, longest, '24 hours') }})

)

select
    {{ key }},
    serves,
    {{ entity }}_txn_count_30d,
    {{ entity }}_fraud_count_30d
from windowed
where is_awaited
{%- endmacro %}
