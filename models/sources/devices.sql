{{ config(materialized = landing_kind()) }}

{{ devices_landing() }}
