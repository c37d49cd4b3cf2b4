{# Minor units as text with two decimals, for sentences. #}
{% macro major_units(minor) %}{{ return(adapter.dispatch('major_units', 'riskwave')(minor)) }}{% endmacro %}

{% macro default__major_units(minor) -%}
(({{ minor }} / 100)::varchar || '.' || lpad(({{ minor }} % 100)::varchar, 2, '0'))
{%- endmacro %}

{% macro duckdb__major_units(minor) -%}
(({{ minor }} // 100)::varchar || '.' || lpad(({{ minor }} % 100)::varchar, 2, '0'))
{%- endmacro %}
