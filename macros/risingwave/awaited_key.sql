{#
The key under which an event looks up tiles (RisingWave only): its own, or without one a key that no entity has. Those
are 64 an hour, so that a minute of payments without an ip awaits 64 rows, not one each, and not one that all of them go
through; and so that none of them becomes a key with a long history.
#}
{% macro awaited_key(key, relation=none) -%}
{%- set of = relation ~ "." if relation else "" -%}
coalesce({{ of }}{{ key }}, chr(1) || to_char({{ counted_ts(relation) }}, 'YYYYMMDDHH24') || ({{ of }}source_offset % 64)::varchar)
{%- endmacro %}
