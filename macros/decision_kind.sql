{# What was decided: a table (DuckDB), or an append-only one with every decision ever said (RisingWave). #}
{% macro decision_kind() %}{{ return(adapter.dispatch('decision_kind', 'riskwave')()) }}{% endmacro %}

{% macro default__decision_kind() %}{{ return('table') }}{% endmacro %}

{% macro risingwave__decision_kind() %}{{ return('verdicts') }}{% endmacro %}
