{# Where labels land: a table in the state (DuckDB), or a Kafka topic (RisingWave). #}
{% macro labels_landing() %}{{ return(adapter.dispatch('labels_landing', 'riskwave')()) }}{% endmacro %}

{% macro duckdb__labels_landing() -%}
select * from {{ source('landing', 'labels') }}
{%- endmacro %}

{% macro risingwave__labels_landing() -%}
{{ kafka_source(var('labels_topic')) }}
{%- endmacro %}
