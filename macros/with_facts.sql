{# Payments with their windows, and what else is known of each: on DuckDB it went through the windows (windowed). #}
{% macro with_facts(payments) %}{{ return(adapter.dispatch('with_facts', 'riskwave')(payments)) }}{% endmacro %}

{% macro default__with_facts(payments) %}select * from {{ payments }}{% endmacro %}

{#- What sums and maxima the windows hold comes from a join (summed_columns); RisingWave leaves out windows nobody reads. -#}
{% macro risingwave__with_facts(payments) -%}
select facts.*, windows.*, sums.*
    from {{ ref('int_payments__facts') }} as facts
    inner join (
        select event_id as windowed_event_id, * except ({{ windowed_columns() }}, {{ summed_columns() }})
        from {{ payments }}
    ) as windows on facts.event_id = windows.windowed_event_id
    inner join (
        select event_id as summed_event_id, {{ summed_columns() }}
        from {{ ref('int_payments__card_sums') }}
    ) as sums on facts.event_id = sums.summed_event_id
{%- endmacro %}
