{{ config(materialized = tile_kind()) }}

{{ activity_tiles('merchant_id', 'hour') }}
