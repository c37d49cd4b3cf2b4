{{ config(materialized = landing_kind()) }}

{{ card_profiles_landing() }}
