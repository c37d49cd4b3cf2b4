{{ config(materialized = tile_kind()) }}

{{ activity_recent('ip', 'ip', ref('int_ip_minutes')) }}
