{#
Begins the last select of what is kept revision by revision. RisingWave's joins and windows send on every step of the way
to what a row is after a barrier, and updates that change nothing; a DISTINCT keeps its rows counted until the barrier and
sends on what is then another row than before: one revision a barrier at most. DuckDB's rows have no steps.
#}
{% macro settled() %}{{ return(adapter.dispatch('settled', 'riskwave')()) }}{% endmacro %}

{% macro default__settled() %}{{ return('') }}{% endmacro %}

{% macro risingwave__settled() %}{{ return('distinct') }}{% endmacro %}
