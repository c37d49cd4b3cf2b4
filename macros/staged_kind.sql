{# How staged rows are kept: not at all, each run reads what landed (DuckDB), or once for all that read them (RisingWave). #}
{% macro staged_kind() %}{{ return(adapter.dispatch('staged_kind', 'riskwave')()) }}{% endmacro %}

{% macro default__staged_kind() %}{{ return('view') }}{% endmacro %}

{% macro risingwave__staged_kind() %}{{ return('materialized_view') }}{% endmacro %}
