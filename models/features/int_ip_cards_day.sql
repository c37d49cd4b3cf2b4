{{ config(materialized = tile_kind()) }}

{{ cards_before('ip_card_count_24h', ref('int_ip_card_hours'), 'hour', 24) }}
