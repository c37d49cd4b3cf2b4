{#
Instead of dbt-risingwave's: with what it was made of in it, and in as many parallel parts as var `parallelism` says of it
(`{int_bin_minutes: 4, default: 16}`); as many as the cluster has cores where that says nothing.
#}
{% macro risingwave__create_materialized_view_as(relation, sql) -%}
{%- set parts = var('parallelism', {}) -%}
{%- if parts -%}
set streaming_parallelism = {{ parts.get(relation.identifier, parts.get('default', 'default')) }};
{% endif -%}
{{ filled_at_once() }}
create materialized view if not exists {{ relation }} as {{ made(sql) }}
{%- endmacro %}
