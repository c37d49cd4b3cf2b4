{#
The table that says which feeds write (RisingWave only), one row a ruleset: `feed` decides, of the rows that `known_by`
knew (NULL: of all). Two feeds may run beside each other: the update of the row is the moment one takes over.
#}
{% macro feeds_in_force() -%}
{{ return(api.Relation.create(
    database=target.database, schema=target.schema, identifier='feeds_in_force', type='table'
)) }}
{%- endmacro %}

{# Makes the table, and its row where there is none. #}
{% macro create_feeds_in_force() -%}
{%- call statement('feeds_in_force') -%}
create table if not exists {{ feeds_in_force() }} (ruleset varchar primary key, feed varchar, known_by varchar)
{%- endcall -%}
{%- call statement('feeds_in_force_row') -%}
insert into {{ feeds_in_force() }} (ruleset)
select 'card' where not exists (select 1 from {{ feeds_in_force() }} where ruleset = 'card')
{%- endcall -%}
{%- endmacro %}
