{# What was decided, as it was said each time: the table (DuckDB), or the log behind the view (RisingWave). #}
{% macro said(relation) %}{{ return(adapter.dispatch('said', 'riskwave')(relation)) }}{% endmacro %}

{% macro default__said(relation) %}{{ return(relation) }}{% endmacro %}

{% macro risingwave__said(relation) -%}
{{ return(relation.incorporate(path={'identifier': relation.identifier ~ '__log'})) }}
{%- endmacro %}
