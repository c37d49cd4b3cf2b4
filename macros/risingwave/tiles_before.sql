{# The window over a key's tiles (tiles_and_awaited) from `first` to `last` before a row's own (RisingWave only). #}
{% macro tiles_before(key, first, last) -%}
partition by {{ key }}, span order by serves range between interval '{{ first }}' preceding and interval '{{ last }}' preceding
{%- endmacro %}
