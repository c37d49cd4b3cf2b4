{{ config(materialized = decision_kind()) }}

with ruled as (

    {{ with_ruling(ref('decision_input'), ref('int_ruled')) }}

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
    control_version{{ revision_columns() }},
    source,
    source_partition,
    source_offset
from ruled
