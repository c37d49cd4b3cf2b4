{# The key under which an event looks up tiles (RisingWave only): its own, or without one a key that no other event has. #}
{% macro awaited_key(key, relation=none) -%}
{%- set of = relation ~ "." if relation else "" -%}
coalesce({{ of }}{{ key }}, chr(1) || {{ of }}event_id)
{%- endmacro %}
