{# The n-th value of a row, counted from 1. #}
{% macro part_of(row, n) %}{{ return(adapter.dispatch('part_of', 'riskwave')(row, n)) }}{% endmacro %}

{% macro default__part_of(row, n) -%}({{ row }}).f{{ n }}{%- endmacro %}

{% macro duckdb__part_of(row, n) -%}{{ row }}[{{ n }}]{%- endmacro %}
