{{ config(materialized = scored_kind()) }}

with scored as (

    select
        {{ scored_columns() }},
        {{ risk_score('card', 'card_id') }} as risk
    from {{ ref('decision_input') }}

)

select
    {{ scored_columns() }},
    {{ score_columns('risk') }}
from scored
