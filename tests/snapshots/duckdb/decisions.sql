with ruled as (

    select
        known.event_ts,
        known.card_id,
        known.source,
        known.source_partition,
        known.source_offset,
        ruled.*
    from "memory"."main"."decision_input" as known
    inner join "memory"."main"."int_ruled" as ruled on known.event_id = ruled.event_id

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
    source,
    source_partition,
    source_offset
from ruled
