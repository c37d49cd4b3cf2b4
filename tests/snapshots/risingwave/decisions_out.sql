set streaming_use_snapshot_backfill = false;
create sink "dev"."public"."decisions_out" as select * from (
select
    event_id,
    event_ts,
    card_id,
    action,
    is_anomaly,
    severity,
    model_score,
    model_version,
    degraded,
    shadow_scores,
    rule_ids,
    reasons,
    ruleset_revision,
    ruleset_channel,
    shadow_rule_ids,
    rule_vector,
    shadow_rulesets,
    control_version,
    source,
    source_partition,
    source_offset,
    revision,
    seen_at,
    decided_at
from "dev"."public"."decisions__log"
) as made_5ce32bdadfbe with (
    connector = 'kafka',
    properties.bootstrap.server = 'kafka:9092',
    topic = 'decisions',
    primary_key = 'event_id'
) format plain encode json (force_append_only = 'true')
