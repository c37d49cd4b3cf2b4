{# Text to a whole number, NULL when it is not one; `1000.0`, as pandas writes it beside empty cells, is one. #}
{% macro try_integer(text) %}{{ return(adapter.dispatch('try_integer', 'riskwave')(text)) }}{% endmacro %}

{% macro default__try_integer(text) -%}
case when {{ text }} ~ '^[+-]?[0-9]{1,18}([.]0{0,30})?$' then split_part({{ text }}, '.', 1)::bigint end
{%- endmacro %}

{% macro duckdb__try_integer(text) -%}
case
    when regexp_full_match({{ text }}, '[+-]?[0-9]{1,18}([.]0{0,30})?')
        then try_cast(split_part({{ text }}, '.', 1) as bigint)
end
{%- endmacro %}
