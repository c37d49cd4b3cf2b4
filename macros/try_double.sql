{# Text to a finite number, NULL when it is not one. #}
{% macro try_double(text) %}{{ return(adapter.dispatch('try_double', 'riskwave')(text)) }}{% endmacro %}

{% macro default__try_double(text) -%}
case when {{ text }} ~ '^[+-]?[0-9]{1,15}([.][0-9]{0,30})?([eE][+-]?[0-9]{1,2})?$' then {{ text }}::double precision end
{%- endmacro %}

{% macro duckdb__try_double(text) -%}
case
    when regexp_full_match({{ text }}, '[+-]?[0-9]{1,15}([.][0-9]{0,30})?([eE][+-]?[0-9]{1,2})?')
        then try_cast({{ text }} as double)
end
{%- endmacro %}
