with ruled as (

    select * from __dbt__cte__int_ruled

)

select
    event_id,
    event_ts,
    card_id,
    action,
    is_anomaly,
    model_score,
    model_version,
    degraded,
    shadow_scores,
    rule_ids,
    reasons,
    severity,
    ruleset_revision,
    ruleset_channel,
    shadow_rule_ids,
    rule_vector,
    shadow_rulesets,
    control_version,
    revision,
    seen_at,
    source,
    source_partition,
    source_offset
from ruled
