{# Text to a whole number, NULL when it is not one. #}
{% macro try_integer(text) %}{{ return(adapter.dispatch('try_integer', 'riskwave')(text)) }}{% endmacro %}

{% macro default__try_integer(text) -%}
case when {{ text }} ~ '^[+-]?[0-9]{1,18}$' then {{ text }}::bigint end
{%- endmacro %}

{% macro duckdb__try_integer(text) -%}
case when regexp_full_match({{ text }}, '[+-]?[0-9]{1,18}') then try_cast({{ text }} as bigint) end
{%- endmacro %}
