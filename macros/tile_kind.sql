{# Tiles and their windows are kept: a table in a batch (DuckDB), a materialized view on the stream (RisingWave). #}
{% macro tile_kind() %}{{ return(adapter.dispatch('tile_kind', 'riskwave')()) }}{% endmacro %}

{% macro default__tile_kind() %}{{ return('table') }}{% endmacro %}

{% macro risingwave__tile_kind() %}{{ return('materialized_view') }}{% endmacro %}
