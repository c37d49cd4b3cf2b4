{{ config(materialized = tile_kind()) }}

{{ fraud_days('ip') }}
