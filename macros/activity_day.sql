{# A key's activity in the 24 complete hours before an event's own hour, under the key and the hour they serve. #}
{% macro activity_day(entity, key, tiles) %}{{ return(adapter.dispatch('activity_day', 'riskwave')(entity, key, tiles)) }}{% endmacro %}

{% macro duckdb__activity_day(entity, key, tiles) -%}
select
    {{ key }},
    serves,
    sum(txn_count)::bigint as {{ entity }}_txn_count_24h,
    sum(amount_sum)::bigint as {{ entity }}_amount_sum_24h,
    sum(decline_count)::bigint as {{ entity }}_decline_count_24h
from {{ tiles_ahead(tiles, key, 'hour', 24, ref('stg_payments')) }} as ahead
group by {{ key }}, serves
{%- endmacro %}

{% macro risingwave__activity_day(entity, key, tiles) -%}
{%- set longest = '24 hours' -%}
with awaited as (

    {{ tiles_and_awaited(tiles, key, 'hour', longest, {'txn_count': 'bigint', 'amount_sum': 'bigint', 'decline_count': 'bigint'}) }}

),

windowed as (

    select
        *,
        {{ sum_ahead('txn_count', 'last_24h') }} as {{ entity }}_txn_count_24h,
        {{ sum_ahead('amount_sum', 'last_24h') }} as {{ entity }}_amount_sum_24h,
        {{ sum_ahead('decline_count', 'last_24h') }} as {{ entity }}_decline_count_24h
    from awaited
    window last_24h as ({{ tiles_before(key, longest, '1 hour') }})

)

select
    {{ key }},
    serves,
    {{ entity }}_txn_count_24h,
    {{ entity }}_amount_sum_24h,
    {{ entity }}_decline_count_24h
from windowed
where is_awaited
{%- endmacro %}
