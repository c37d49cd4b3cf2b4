{{ config(materialized = landing_kind()) }}

{{ labels_landing() }}
