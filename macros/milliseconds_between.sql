{# Whole milliseconds from one timestamp to a later one (bigint). #}
{% macro milliseconds_between(earlier, later) %}{{ return(adapter.dispatch('milliseconds_between', 'riskwave')(earlier, later)) }}{% endmacro %}

{% macro default__milliseconds_between(earlier, later) -%}
trunc(extract(epoch from ({{ later }} - {{ earlier }})) * 1000)::bigint
{%- endmacro %}

{% macro duckdb__milliseconds_between(earlier, later) -%}
(epoch_us({{ later }}) - epoch_us({{ earlier }})) // 1000
{%- endmacro %}
