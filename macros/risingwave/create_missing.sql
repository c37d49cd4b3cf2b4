{# Runs a statement that creates a relation, unless it is there: a run that was cut short goes on where it stopped. #}
{% macro create_missing(relation, ddl) -%}
{%- if risingwave__get_relation_without_caching(relation) is none -%}
{%- call statement('create_missing') -%}{{ ddl }}{%- endcall -%}
{%- endif -%}
{%- endmacro %}
