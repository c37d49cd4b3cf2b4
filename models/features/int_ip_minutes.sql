{{ config(materialized = tile_kind()) }}

{{ activity_tiles('ip', 'minute') }}
