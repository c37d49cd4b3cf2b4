{{ config(materialized = tile_kind()) }}

{{ activity_recent('bin', 'bin', ref('int_bin_minutes')) }}
