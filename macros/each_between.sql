{# A row for each whole number from first to last, in a select list. #}
{% macro each_between(first, last) %}{{ return(adapter.dispatch('each_between', 'riskwave')(first, last)) }}{% endmacro %}

{% macro default__each_between(first, last) -%}generate_series({{ first }}, {{ last }}){%- endmacro %}

{% macro duckdb__each_between(first, last) -%}unnest(generate_series({{ first }}, {{ last }})){%- endmacro %}
