{# The columns that order the revisions of what was known, after a column of a select list: none in a batch, which has one. #}
{% macro revision_columns() %}{{ return(adapter.dispatch('revision_columns', 'riskwave')()) }}{% endmacro %}

{% macro default__revision_columns() %}{% endmacro %}

{% macro risingwave__revision_columns() -%}
,
    revision,
    seen_at
{%- endmacro %}
