set streaming_use_snapshot_backfill = false;
create sink "dev"."public"."alerts_out" as select * from (
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
    control_version,
    revision,
    seen_at,
    decided_at
from "dev"."public"."decisions__log"
where is_anomaly
) as made_074e6833a8f9 with (
    connector = 'kafka',
    properties.bootstrap.server = 'kafka:9092',
    topic = 'alerts',
    primary_key = 'event_id'
) format plain encode json (force_append_only = 'true')
