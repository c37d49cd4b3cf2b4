{{ config(materialized = outlet_kind()) }}

{% call outlet(var('decisions_topic')) -%}
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
    source_offset{{ said_columns() }}
from {{ said(ref('decisions')) }}
{%- endcall %}
