{# Where card profiles land: a table in the state (DuckDB), or a Kafka topic (RisingWave). #}
{% macro card_profiles_landing() %}{{ return(adapter.dispatch('card_profiles_landing', 'riskwave')()) }}{% endmacro %}

{% macro duckdb__card_profiles_landing() -%}
select * from {{ source('landing', 'card_profiles') }}
{%- endmacro %}

{% macro risingwave__card_profiles_landing() -%}
{{ kafka_source(var('profiles_topic')) }}
{%- endmacro %}
