{# Instead of dbt-risingwave's: with what it was made of in it. #}
{% macro risingwave__create_materialized_view_as(relation, sql) -%}
create materialized view if not exists {{ relation }} as {{ made(sql) }}
{%- endmacro %}
