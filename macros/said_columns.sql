{# What orders and dates what was said, after a column of a select list: nothing in a batch, which says it once. #}
{% macro said_columns() %}{{ return(adapter.dispatch('said_columns', 'riskwave')()) }}{% endmacro %}

{% macro default__said_columns() %}{% endmacro %}

{% macro risingwave__said_columns() -%}
,
    revision,
    seen_at,
    decided_at
{%- endmacro %}
