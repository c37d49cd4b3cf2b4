{#
How a landing relation is made: a Kafka source (RisingWave), or nothing but a name for the landed table (DuckDB),
which has the model's own name and which a view would take the place of.
#}
{% macro landing_kind() %}{{ return(adapter.dispatch('landing_kind', 'riskwave')()) }}{% endmacro %}

{% macro default__landing_kind() %}{{ return('ephemeral') }}{% endmacro %}

{% macro risingwave__landing_kind() %}{{ return('source') }}{% endmacro %}
