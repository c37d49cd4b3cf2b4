{# What is kept for the stream to read (RisingWave), and what a batch has no use for (DuckDB). #}
{% macro stream_only_kind() %}{{ return(adapter.dispatch('stream_only_kind', 'riskwave')()) }}{% endmacro %}

{% macro default__stream_only_kind() %}{{ return('ephemeral') }}{% endmacro %}

{% macro risingwave__stream_only_kind() %}{{ return('materialized_view') }}{% endmacro %}
