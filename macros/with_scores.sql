{#
What was known of each event with its scores. RisingWave's scores pass on what was known, as its rules do: a join there
would keep both sides.
#}
{% macro with_scores(known, scored) %}{{ return(adapter.dispatch('with_scores', 'riskwave')(known, scored)) }}{% endmacro %}

{% macro default__with_scores(known, scored) -%}
(
        select known.*, scored.model_score, scored.model_version, scored.degraded, scored.shadow_scores
        from {{ known }} as known left join {{ scored }} as scored on known.event_id = scored.event_id
    )
{%- endmacro %}

{% macro risingwave__with_scores(known, scored) -%}
{{ scored }}
{%- endmacro %}
