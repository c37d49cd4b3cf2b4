{# The square of a whole number in a type that does not overflow, so that sums of squares stay exact. #}
{% macro wide_square(x) %}{{ return(adapter.dispatch('wide_square', 'riskwave')(x)) }}{% endmacro %}

{% macro default__wide_square(x) -%}({{ x }}::decimal * {{ x }}::decimal){%- endmacro %}

{% macro duckdb__wide_square(x) -%}({{ x }}::hugeint * {{ x }}::hugeint){%- endmacro %}
