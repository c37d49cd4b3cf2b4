{#
The payments that windows are over. On DuckDB all that is known so far goes through them. RisingWave keeps at every step the
whole row that goes through: there they begin with the columns they need (windowed_columns), and what else is known of a
payment joins at their end (with_facts).
#}
{% macro windowed() %}{{ return(adapter.dispatch('windowed', 'riskwave')()) }}{% endmacro %}

{% macro default__windowed() %}select * from {{ ref('int_payments__facts') }}{% endmacro %}

{% macro risingwave__windowed() %}select {{ windowed_columns() }} from {{ ref('stg_payments') }}{% endmacro %}
