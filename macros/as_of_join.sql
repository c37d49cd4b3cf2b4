{#
Joins the version of an entity's facts that was valid at the event's own time, or NULLs.

DuckDB's own ASOF JOIN is not used: 2.0.0 fails on an empty right side, and for small left sides it groups by every
column. A version's end is the next one's start.
#}
{% macro as_of_join(left, relation, alias, key) %}{{ return(adapter.dispatch('as_of_join', 'riskwave')(left, relation, alias, key)) }}{% endmacro %}

{% macro default__as_of_join(left, relation, alias, key) -%}
asof left join {{ relation }} as {{ alias }}
        on {{ left }}.{{ key }} = {{ alias }}.{{ key }} and {{ left }}.event_ts >= {{ alias }}.valid_from
{%- endmacro %}

{% macro duckdb__as_of_join(left, relation, alias, key) -%}
left join (
        select
            *,
            lead(valid_from) over (partition by {{ key }} order by valid_from) as valid_until
        from {{ relation }}
    ) as {{ alias }}
        on
            {{ left }}.{{ key }} = {{ alias }}.{{ key }}
            and {{ left }}.event_ts >= {{ alias }}.valid_from
            and ({{ alias }}.valid_until is null or {{ left }}.event_ts < {{ alias }}.valid_until)
{%- endmacro %}
