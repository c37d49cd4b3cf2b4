{# One row an event_id, the first delivered: an event delivered again is the same event. #}
{% macro first_delivery(relation) %}{{ return(adapter.dispatch('first_delivery', 'riskwave')(relation)) }}{% endmacro %}

{% macro default__first_delivery(relation) -%}
select distinct on (event_id) * from {{ relation }}
{%- endmacro %}

{#- An aggregate of numbers: a window over the rows would sort them with all their columns, at twice the cost. -#}
{% macro duckdb__first_delivery(relation) -%}
select * from (
    with deliveries as materialized (
        select *, row_number() over () as delivery from {{ relation }}
    )

    select deliveries.* exclude (delivery)
    from deliveries
    semi join (
        select arg_min(delivery, (source, source_partition, source_offset)) as delivery
        from deliveries
        group by event_id
    ) as firsts
        on deliveries.delivery = firsts.delivery
)
{%- endmacro %}
