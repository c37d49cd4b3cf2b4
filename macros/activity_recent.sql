{# A key's activity in the 10 and the 60 complete minutes before an event's own, under the key and the minute they serve. #}
{% macro activity_recent(entity, key, tiles) %}{{ return(adapter.dispatch('activity_recent', 'riskwave')(entity, key, tiles)) }}{% endmacro %}

{% macro duckdb__activity_recent(entity, key, tiles) -%}
with ahead as (

    select
        *,
        tile >= serves - interval '10 minutes' as in_10m
    from {{ tiles_ahead(tiles, key, 'minute', 60, ref('stg_payments')) }} as tiles

)

select
    {{ key }},
    serves,
    sum(case when in_10m then txn_count else 0 end)::bigint as {{ entity }}_txn_count_10m,
    sum(case when in_10m then amount_sum else 0 end)::bigint as {{ entity }}_amount_sum_10m,
    sum(case when in_10m then decline_count else 0 end)::bigint as {{ entity }}_decline_count_10m,
    sum(txn_count)::bigint as {{ entity }}_txn_count_1h,
    sum(amount_sum)::bigint as {{ entity }}_amount_sum_1h,
    sum(decline_count)::bigint as {{ entity }}_decline_count_1h
from ahead
group by {{ key }}, serves
{%- endmacro %}

{% macro risingwave__activity_recent(entity, key, tiles) -%}
{%- set longest = '60 minutes' -%}
with awaited as (

    {{ tiles_and_awaited(tiles, key, 'minute', longest, {'txn_count': 'bigint', 'amount_sum': 'bigint', 'decline_count': 'bigint'}) }}

),

windowed as (

    select
        *,
        {{ sum_ahead('txn_count', 'last_10m') }} as {{ entity }}_txn_count_10m,
        {{ sum_ahead('amount_sum', 'last_10m') }} as {{ entity }}_amount_sum_10m,
        {{ sum_ahead('decline_count', 'last_10m') }} as {{ entity }}_decline_count_10m,
        {{ sum_ahead('txn_count', 'last_1h') }} as {{ entity }}_txn_count_1h,
        {{ sum_ahead('amount_sum', 'last_1h') }} as {{ entity }}_amount_sum_1h,
        {{ sum_ahead('decline_count', 'last_1h') }} as {{ entity }}_decline_count_1h
    from awaited
    window
        last_10m as ({{ tiles_before(key, '10 minutes', '1 minute') }}),
        last_1h as ({{ tiles_before(key, longest, '1 minute') }})

)

select
    {{ key }},
    serves,
    {{ entity }}_txn_count_10m,
    {{ entity }}_amount_sum_10m,
    {{ entity }}_decline_count_10m,
    {{ entity }}_txn_count_1h,
    {{ entity }}_amount_sum_1h,
    {{ entity }}_decline_count_1h
from windowed
where is_awaited
{%- endmacro %}
