{{ config(materialized = ruled_kind()) }}

{{ ruleset() }}
