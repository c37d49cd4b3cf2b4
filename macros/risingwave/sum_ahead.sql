{# A whole number summed over a window of tiles, 0 when it holds none (RisingWave only). #}
{% macro sum_ahead(column, window_name) -%}coalesce(sum({{ column }}) over {{ window_name }}, 0)::bigint{%- endmacro %}
