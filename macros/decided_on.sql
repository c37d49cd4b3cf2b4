{#
What each decision stood on, as rows of what was known, numbered by `version` in the order in which the event was decided:
a batch decides once (DuckDB), the log says which revision each was made of (RisingWave).
#}
{% macro decided_on(known, said) %}{{ return(adapter.dispatch('decided_on', 'riskwave')(known, said)) }}{% endmacro %}

{% macro default__decided_on(known, said) -%}
select
        known.*,
        1 as version
    from {{ known }} as known
    inner join {{ said }} as said on known.event_id = said.event_id
{%- endmacro %}

{% macro risingwave__decided_on(known, said) -%}
select
        known.*,
        row_number() over (partition by said.event_id order by said.seen_at, said.revision) as version
    from {{ said }} as said
    inner join {{ known }} as known
        on said.event_id = known.event_id and said.revision = known.revision and said.seen_at = known.seen_at
{%- endmacro %}
