{# Frauds confirmed, and payments made, in the 30 complete days before an event's own day. #}
{% macro fraud_month(entity, key, days) -%}
select
    {{ key }},
    serves,
    sum(txn_count)::bigint as {{ entity }}_txn_count_30d,
    sum(fraud_count)::bigint as {{ entity }}_fraud_count_30d
from {{ tiles_ahead(days, key, 'day', 30, ref('stg_payments')) }} as ahead
group by {{ key }}, serves
{%- endmacro %}
