{# One row an event_id, the first delivered: an event delivered again is the same event. #}
{% macro first_delivery(relation) %}{{ return(adapter.dispatch('first_delivery', 'riskwave')(relation)) }}{% endmacro %}

{% macro default__first_delivery(relation) -%}
select distinct on (event_id) * from {{ relation }}
{%- endmacro %}

{% macro duckdb__first_delivery(relation) -%}
select * from {{ relation }}
qualify row_number() over (partition by event_id order by source, source_partition, source_offset) = 1
{%- endmacro %}
