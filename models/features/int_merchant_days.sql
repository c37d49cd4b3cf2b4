{{ config(materialized = tile_kind()) }}

{{ fraud_days('merchant_id') }}
