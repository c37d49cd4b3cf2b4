{# What sends rows on: a sink (RisingWave), or a part of nothing (DuckDB). #}
{% macro outlet_kind() %}{{ return(adapter.dispatch('outlet_kind', 'riskwave')()) }}{% endmacro %}

{% macro default__outlet_kind() %}{{ return('ephemeral') }}{% endmacro %}

{% macro risingwave__outlet_kind() %}{{ return('sink') }}{% endmacro %}
