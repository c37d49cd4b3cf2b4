{{ config(materialized = tile_kind()) }}

{{ fraud_month('ip', 'ip', ref('int_ip_days')) }}
