{{ config(materialized = tile_kind()) }}

{{ activity_day('bin', 'bin', ref('int_bin_hours')) }}
