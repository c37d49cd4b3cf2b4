{#
When a payment counts for its merchant, ip and BIN, and with what is known of them it is decided: when its message was
sent, for nearly all when the payment was made. A payment that comes late counts from then on; what was known before stays.
#}
{% macro counted_ts(relation=none) -%}
{%- set of = relation ~ "." if relation else "" -%}
coalesce({{ of }}transmitted_ts, {{ of }}event_ts)
{%- endmacro %}
