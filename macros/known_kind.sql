{# What was known: a table (DuckDB), or every revision of it in an append-only one (RisingWave). #}
{% macro known_kind() %}{{ return(adapter.dispatch('known_kind', 'riskwave')()) }}{% endmacro %}

{% macro default__known_kind() %}{{ return('table') }}{% endmacro %}

{% macro risingwave__known_kind() %}{{ return('revisions') }}{% endmacro %}
