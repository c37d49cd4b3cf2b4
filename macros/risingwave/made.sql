{#
A query that says by the name of a subquery what it is (RisingWave only): the server keeps a relation's definition, so
what is there is told from what would be made now (riskwave/deploy), through renames and an interrupted run.
#}
{% macro made(sql) -%}
select * from (
{{ sql }}
) as made_{{ local_md5(sql)[:12] }}
{%- endmacro %}
