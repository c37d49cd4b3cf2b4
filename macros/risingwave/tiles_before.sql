{# The window over a key's tiles from `first` to `last` before a row's own (RisingWave only). #}
{% macro tiles_before(key, first, last) -%}
partition by {{ key }} order by serves range between interval '{{ first }}' preceding and interval '{{ last }}' preceding
{%- endmacro %}
