{# The text of one field of a message, or NULL. DuckDB receives fields as text columns, RisingWave as one JSON document. #}
{% macro field(name) %}{{ return(adapter.dispatch('field', 'riskwave')(name)) }}{% endmacro %}

{% macro default__field(name) %}nullif(trim({{ name }}, ' '), ''){% endmacro %}

{% macro risingwave__field(name) %}nullif(trim(document ->> '{{ name }}', ' '), ''){% endmacro %}
