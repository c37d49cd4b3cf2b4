select
    event_id,
    event_ts,
    card_id,
    action,
    severity,
    model_score,
    model_version,
    rule_ids,
    reasons,
    ruleset_revision,
    ruleset_channel,
    control_version
from "memory"."main"."decisions"
where is_anomaly
