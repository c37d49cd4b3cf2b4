{# Payments with their windows, and what else is known of each: on DuckDB it went through the windows (windowed). #}
{% macro with_facts(payments) %}{{ return(adapter.dispatch('with_facts', 'riskwave')(payments)) }}{% endmacro %}

{% macro default__with_facts(payments) %}select * from {{ payments }}{% endmacro %}

{#-
RisingWave keeps both sides of every join, so that what is wide is joined once, and what is narrow first. What the windows
tell comes from lists and a join (int_payments__card_lists, int_payments__card_sums).
-#}
{% macro risingwave__with_facts(payments) -%}
select payments.*, sums.*, facts.*, lists.*
    from (
        {{ ref('stg_payments') }} as payments
        inner join (
            select event_id as summed_event_id, * except (event_id) from {{ ref('int_payments__card_sums') }}
        ) as sums on payments.event_id = sums.summed_event_id
    )
    inner join (
        (
            select event_id as known_event_id, * except (event_id, {{ looked_up_columns() }})
            from {{ ref('int_payments__facts') }}
        ) as facts
        inner join (
            select event_id as listed_event_id, * except (event_id) from {{ ref('int_payments__card_lists') }}
        ) as lists on facts.known_event_id = lists.listed_event_id
    ) on payments.event_id = facts.known_event_id
{%- endmacro %}
