{#
A partition key that is NULL for many events must not gather them all in one partition:
an event without the key is alone in its own.
#}
{% macro own_key(key) -%}coalesce({{ key }}, event_id){%- endmacro %}
