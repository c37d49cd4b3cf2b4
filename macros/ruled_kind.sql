{# What the rules say: a table (DuckDB), or a part of the statement that decides (RisingWave). #}
{% macro ruled_kind() %}{{ return(adapter.dispatch('ruled_kind', 'riskwave')()) }}{% endmacro %}

{% macro default__ruled_kind() %}{{ return('table') }}{% endmacro %}

{% macro risingwave__ruled_kind() %}{{ return('ephemeral') }}{% endmacro %}
