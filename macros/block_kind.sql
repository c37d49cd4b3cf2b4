{# Networks by the blocks of addresses they hold: what RisingWave looks addresses up in, and DuckDB has no use for. #}
{% macro block_kind() %}{{ return(adapter.dispatch('block_kind', 'riskwave')()) }}{% endmacro %}

{% macro default__block_kind() %}{{ return('ephemeral') }}{% endmacro %}

{% macro risingwave__block_kind() %}{{ return('materialized_view') }}{% endmacro %}
