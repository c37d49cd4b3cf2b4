{# What the models online say: a table (DuckDB), or a view that what decides reads through (RisingWave). #}
{% macro scored_kind() %}{{ return(adapter.dispatch('scored_kind', 'riskwave')()) }}{% endmacro %}

{% macro default__scored_kind() %}{{ return('table') }}{% endmacro %}

{% macro risingwave__scored_kind() %}{{ return('view') }}{% endmacro %}
