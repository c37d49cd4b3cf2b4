{# A list of texts without its NULLs. #}
{% macro without_nulls(list) %}{{ return(adapter.dispatch('without_nulls', 'riskwave')(list)) }}{% endmacro %}

{% macro default__without_nulls(list) -%}
list_filter({{ list }}, lambda x: x is not null)
{%- endmacro %}

{% macro risingwave__without_nulls(list) -%}
array_remove({{ list }}, null)
{%- endmacro %}
