{# A list's elements, each as an expression makes it: `name` stands in the expression for the element. #}
{% macro each_of(list, name, expression) %}{{ return(adapter.dispatch('each_of', 'riskwave')(list, name, expression)) }}{% endmacro %}

{% macro default__each_of(list, name, expression) -%}array_transform({{ list }}, |{{ name }}| {{ expression }}){%- endmacro %}

{% macro duckdb__each_of(list, name, expression) -%}array_transform({{ list }}, lambda {{ name }}: {{ expression }}){%- endmacro %}
