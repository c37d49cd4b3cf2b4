{# Where payments land: a table that `riskwave run` and `riskwave batch` fill (DuckDB), or a Kafka topic (RisingWave). #}
{% macro payments_landing() %}{{ return(adapter.dispatch('payments_landing', 'riskwave')()) }}{% endmacro %}

{% macro duckdb__payments_landing() -%}
select * from {{ source('landing', 'payments') }}
{%- endmacro %}

{% macro risingwave__payments_landing() -%}
{{ kafka_source(var('payments_topic')) }}
{%- endmacro %}
