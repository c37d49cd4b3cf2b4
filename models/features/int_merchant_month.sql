{{ config(materialized = tile_kind()) }}

{{ fraud_month('merchant', 'merchant_id', ref('int_merchant_days')) }}
