{# One of the objects that a model is made of on RisingWave: `decisions__log` of the model `decisions`. #}
{% macro part_of_model(part, type) -%}
{{ return(api.Relation.create(
    database=this.database, schema=this.schema, identifier=this.identifier ~ part, type=type
)) }}
{%- endmacro %}
