{# How many distinct values, NULL not counted, a window holds. #}
{% macro distinct_over(value, window_name) %}{{ return(adapter.dispatch('distinct_over', 'riskwave')(value, window_name)) }}{% endmacro %}

{% macro default__distinct_over(value, window_name) -%}
{{ distinct_in('array_agg(' ~ value ~ ') over ' ~ window_name) }}
{%- endmacro %}

{% macro duckdb__distinct_over(value, window_name) -%}
count(distinct {{ value }}) over {{ window_name }}
{%- endmacro %}
