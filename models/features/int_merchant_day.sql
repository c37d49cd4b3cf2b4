{{ config(materialized = tile_kind()) }}

{{ activity_day('merchant', 'merchant_id', ref('int_merchant_hours')) }}
