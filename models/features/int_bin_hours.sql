{{ config(materialized = tile_kind()) }}

{{ activity_tiles('bin', 'hour') }}
