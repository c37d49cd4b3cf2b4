{# How long a log keeps its rows (RisingWave only): `keep_days` days, for ever where that is 0. #}
{% macro kept_for() -%}
{%- set days = var('keep_days', 0) | int -%}
{%- if days > 0 -%}with (retention_seconds = {{ days * 86400 }}){%- endif -%}
{%- endmacro %}
