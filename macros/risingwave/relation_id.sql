{# The server's id of a relation in the target schema (RisingWave only); it stays through renames. #}
{% macro relation_id(name) -%}
{%- set found = run_query(
    "select r.id from rw_catalog.rw_relations as r join rw_catalog.rw_schemas as s on s.id = r.schema_id"
    ~ " where s.name = '" ~ target.schema ~ "' and r.name = '" ~ name ~ "'"
) -%}
{{ return(found[0][0]) }}
{%- endmacro %}
