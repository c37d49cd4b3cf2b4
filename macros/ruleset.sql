{#
The shipped rule pack as one SELECT, a row per row of what was known. Each engine's body is generated (macros/ruleset):
a query over all rows at once (DuckDB), or a look-up per event in what is in force as it comes (RisingWave).
#}
{% macro ruleset() %}{{ return(adapter.dispatch('ruleset', 'riskwave')()) }}{% endmacro %}
