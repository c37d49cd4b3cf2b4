{#
What was known of each event with what the rules say of it. RisingWave's rules pass on what was known: a join there
would keep both sides, and an event has a row for each revision of what was known.
#}
{% macro with_ruling(known, ruled) %}{{ return(adapter.dispatch('with_ruling', 'riskwave')(known, ruled)) }}{% endmacro %}

{% macro default__with_ruling(known, ruled) -%}
select
        known.event_ts,
        known.card_id,
        known.source,
        known.source_partition,
        known.source_offset,
        ruled.*
    from {{ known }} as known
    inner join {{ ruled }} as ruled on known.event_id = ruled.event_id
{%- endmacro %}

{% macro risingwave__with_ruling(known, ruled) -%}
select * from {{ ruled }}
{%- endmacro %}
