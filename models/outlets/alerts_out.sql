{{ config(materialized = outlet_kind()) }}

{% call outlet(var('alerts_topic')) -%}
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
    control_version{{ said_columns() }}
from {{ said(ref('decisions')) }}
where is_anomaly
{%- endcall %}
