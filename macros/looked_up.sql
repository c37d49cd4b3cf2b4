{#
The payments that facts are looked up for. On DuckDB all of a payment goes through the look-ups, and through the windows
after them. RisingWave keeps what goes through at every one: there it is what they read, and the payment itself joins at
their end (with_facts).
#}
{% macro looked_up() %}{{ return(adapter.dispatch('looked_up', 'riskwave')()) }}{% endmacro %}

{% macro default__looked_up() %}select * from {{ ref('stg_payments') }}{% endmacro %}

{% macro risingwave__looked_up() %}select event_id, {{ looked_up_columns() }} from {{ ref('stg_payments') }}{% endmacro %}
