{{ config(materialized = landing_kind()) }}

{{ payments_landing() }}
