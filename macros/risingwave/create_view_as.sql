{# Instead of dbt-risingwave's: with what it was made of in it. #}
{% macro risingwave__create_view_as(relation, sql) -%}
create view if not exists {{ relation }} as {{ made(sql) }}
{%- endmacro %}
