{# A key's activity in the 10 and the 60 complete minutes before an event's own minute. #}
{% macro activity_recent(entity, key, tiles) -%}
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
