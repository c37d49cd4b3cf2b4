{# How a landing relation is made: a view over the landed table (DuckDB), or a Kafka source (RisingWave). #}
{% macro landing_kind() %}{{ return(adapter.dispatch('landing_kind', 'riskwave')()) }}{% endmacro %}

{% macro default__landing_kind() %}{{ return('view') }}{% endmacro %}

{% macro risingwave__landing_kind() %}{{ return('source') }}{% endmacro %}
