{#
Rows of a contract that have landed, typed: the table itself (DuckDB, where reading has typed it), or the messages of a
Kafka source, cast field by field (RisingWave). A message without a field that the contract requires is no row.
#}
{% macro landed(relation, contract) %}{{ return(adapter.dispatch('landed', 'riskwave')(relation, contract)) }}{% endmacro %}

{% macro default__landed(relation, contract) -%}
{{ relation }}
{%- endmacro %}

{% macro risingwave__landed(relation, contract) -%}
{%- set fields = contract_fields(contract) -%}
(
    select *
    from (
        select
            {%- for name, kind in fields.types.items() %}
            {{ typed_field(name, kind) }} as {{ name }}{{ "," if not loop.last }}
            {%- endfor %}
        from {{ kafka_document(relation) }} as documents
    ) as typed
    where {% for name in fields.required %}{{ name }} is not null{{ " and " if not loop.last }}{% endfor %}
) as landed
{%- endmacro %}
