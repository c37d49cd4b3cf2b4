{# The sum or max of a list, NULL not counted; NULL of a list without any other value. #}
{% macro over_list(function, list) %}{{ return(adapter.dispatch('over_list', 'riskwave')(function, list)) }}{% endmacro %}

{% macro default__over_list(function, list) -%}array_{{ function }}({{ list }}){%- endmacro %}

{% macro duckdb__over_list(function, list) -%}list_{{ function }}({{ list }}){%- endmacro %}
