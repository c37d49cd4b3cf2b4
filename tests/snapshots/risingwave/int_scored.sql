with scored as (

    select
        *,
        cast(null as varchar) as risk
    from "dev"."public"."decision_input"

)

select
    *,
    cast(null as double precision) as model_score,
    risk as model_version,
    false as degraded,
    array[]::varchar[] as shadow_scores
from scored
