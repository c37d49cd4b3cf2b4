{#
A table that begins with a query's rows and is edited by people from then on: made if it is not there, filled if it is
empty, never overwritten, not by --full-refresh either. A column that the query has and the table has not is added, with
the query's value where that has one row. Its key: config `unique_key`. Where there is a relation that config
`governed_by` names, its columns are others' to say: none is added.
#}
{% materialization kept, default %}
    {%- set table = api.Relation.create(
        database=this.database, schema=this.schema, identifier=this.identifier, type='table'
    ) -%}
    {%- set shape = api.Relation.create(
        database=this.database, schema=this.schema, identifier=this.identifier ~ '__shape', type='view'
    ) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- call statement('no_shape') -%}drop view if exists {{ shape }}{%- endcall -%}
    {%- call statement('shape') -%}create view {{ shape }} as {{ sql }}{%- endcall -%}
    {%- set columns = adapter.get_columns_in_relation(shape) -%}
    {%- call statement('table') -%}
        create table if not exists {{ table }} (
            {% for column in columns %}{{ column.name }} {{ column.data_type }}, {% endfor %}
            primary key ({{ config.require('unique_key') | join(', ') }})
        )
    {%- endcall -%}
    {%- set governed = config.get('governed_by') -%}
    {%- set grows = not governed or adapter.get_relation(this.database, this.schema, governed) is none -%}
    {%- set there = adapter.get_columns_in_relation(table) | map(attribute='name') | list -%}
    {%- for column in columns if grows and column.name not in there -%}
        {%- call statement('column_' ~ column.name) -%}
            alter table {{ table }} add column {{ column.name }} {{ column.data_type }}
        {%- endcall -%}
        {%- call statement('value_' ~ column.name) -%}
            update {{ table }} set {{ column.name }} = (select max({{ column.name }}) from {{ shape }} having count(*) = 1)
        {%- endcall -%}
    {%- endfor -%}
    {%- set names = columns | map(attribute='name') -%}
    {%- set names = (names if grows else names | select('in', there)) | join(', ') -%}
    {% call statement('main') -%}
        insert into {{ table }} ({{ names }})
        select {{ names }} from {{ shape }} where not exists (select 1 from {{ table }})
    {%- endcall %}
    {%- call statement('shape_done') -%}drop view if exists {{ shape }}{%- endcall -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [table]}) }}
{% endmaterialization %}
