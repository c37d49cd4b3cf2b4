{{ config(materialized = tile_kind()) }}

{{ activity_day('ip', 'ip', ref('int_ip_hours')) }}
