{{ config(materialized = tile_kind()) }}

{{ cards_before('ip_card_count_1h', ref('int_ip_card_minutes'), 'minute', 60) }}
