{# What a score is given with: the event it is of (DuckDB), or all that was known of it (RisingWave). #}
{% macro scored_columns() %}{{ return(adapter.dispatch('scored_columns', 'riskwave')()) }}{% endmacro %}

{% macro default__scored_columns() %}{{ return('event_id') }}{% endmacro %}

{% macro risingwave__scored_columns() %}{{ return('*') }}{% endmacro %}
