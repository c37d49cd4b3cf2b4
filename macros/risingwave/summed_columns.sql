{# What int_payments__card_sums has instead of the windows of int_payments__card_day and _month (RisingWave only). #}
{% macro summed_columns() -%}
card_txn_count_1m, card_txn_count_5m, card_txn_count_10m, card_txn_count_1h, card_txn_count_24h, card_txn_count_7d, card_txn_count_30d, card_amount_sum_10m, card_amount_sum_1h, card_amount_sum_24h, card_amount_total_7d, card_amount_total_30d, card_amount_squares_7d, card_amount_squares_30d, card_amount_max_24h, card_amount_max_7d, card_amount_max_30d, card_decline_count_10m, card_decline_count_1h, card_same_hour_count_30d, card_same_merchant_count_30d, card_same_country_count_30d, card_same_device_count_30d
{%- endmacro %}
