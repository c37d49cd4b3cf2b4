{# Where devices land: a table in the state (DuckDB), or a Kafka topic (RisingWave). #}
{% macro devices_landing() %}{{ return(adapter.dispatch('devices_landing', 'riskwave')()) }}{% endmacro %}

{% macro duckdb__devices_landing() -%}
select * from {{ source('landing', 'devices') }}
{%- endmacro %}

{% macro risingwave__devices_landing() -%}
{{ kafka_source(var('devices_topic')) }}
{%- endmacro %}
