{# What the windows of int_payments__device to int_payments__card_month read of a payment (RisingWave only). #}
{% macro windowed_columns() -%}
event_id, event_ts, card_id, device_id, billing_amount_minor, is_declined, event_code, merchant_id, mcc, merchant_country, has_place, latitude, longitude, local_hour
{%- endmacro %}
