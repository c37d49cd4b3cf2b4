{# What look-ups read of a payment, but its event_id (RisingWave only). #}
{% macro looked_up_columns() -%}event_ts, transmitted_ts, card_id, device_id, merchant_id, bin, ip, source_offset{%- endmacro %}
