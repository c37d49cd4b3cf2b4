{# What was known and what was decided: tables. #}
{% macro decision_kind() %}{{ return(adapter.dispatch('decision_kind', 'riskwave')()) }}{% endmacro %}

{% macro default__decision_kind() %}{{ return('table') }}{% endmacro %}

{% macro risingwave__decision_kind() %}{{ return('materialized_view') }}{% endmacro %}
