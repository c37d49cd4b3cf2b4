{{ config(materialized = tile_kind()) }}

{{ activity_recent('merchant', 'merchant_id', ref('int_merchant_minutes')) }}
