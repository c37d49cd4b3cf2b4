{# How many distinct values, NULL not counted, a list holds. #}
{% macro distinct_in(list) %}{{ return(adapter.dispatch('distinct_in', 'riskwave')(list)) }}{% endmacro %}

{% macro default__distinct_in(list) -%}
coalesce(array_length(array_remove(array_distinct({{ list }}), null)), 0)::bigint
{%- endmacro %}

{#- DuckDB leaves NULL out of distinct values itself. -#}
{% macro duckdb__distinct_in(list) -%}array_length(array_distinct({{ list }}))::bigint{%- endmacro %}
