{# A key's activity in the 24 complete hours before an event's own hour. #}
{% macro activity_day(entity, key, tiles) -%}
select
    {{ key }},
    serves,
    sum(txn_count)::bigint as {{ entity }}_txn_count_24h,
    sum(amount_sum)::bigint as {{ entity }}_amount_sum_24h,
    sum(decline_count)::bigint as {{ entity }}_decline_count_24h
from {{ tiles_ahead(tiles, key, 'hour', 24, ref('stg_payments')) }} as ahead
group by {{ key }}, serves
{%- endmacro %}
