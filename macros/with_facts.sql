{# Payments with their windows, and what else is known of each: on DuckDB it went through the windows (windowed). #}
{% macro with_facts(payments) %}{{ return(adapter.dispatch('with_facts', 'riskwave')(payments)) }}{% endmacro %}

{% macro default__with_facts(payments) %}select * from {{ payments }}{% endmacro %}

{% macro risingwave__with_facts(payments) -%}
select facts.*, windows.*
    from {{ ref('int_payments__facts') }} as facts
    inner join (
        select event_id as windowed_event_id, * except ({{ windowed_columns() }})
        from {{ payments }}
    ) as windows on facts.event_id = windows.windowed_event_id
{%- endmacro %}
