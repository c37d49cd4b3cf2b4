{#
The complete tiles before an event's own tile, at hand under the tile they serve.

Gives one row per (key, serves, tile) with the tile's columns, where `serves` is the start of the event's own tile
and the tile starts in [serves - window, serves). Group by key and serves to have the window's measures.
It looks back from each event's own tile; joining on spans as long as the window keeps that from pairing all tiles of a
key with all. DuckDB only: on a stream the row has to be there when the event comes (macros/risingwave).

    tiles: relation at the grain (key, tile, ...)    unit: minute, hour or day, the length of a tile
    window: how many tiles                           events: payments
#}
{% macro tiles_ahead(tiles, key, unit, window, events) -%}
{%- set length = "interval '" ~ window ~ " " ~ unit ~ "'" -%}
(
    select
        past.*,
        own.serves
    from (
        select distinct
            {{ key }},
            date_trunc('{{ unit }}', {{ counted_ts() }}) as serves
        from {{ events }}
        where {{ key }} is not null
    ) as own
    inner join (
        select
            *,
            unnest([time_bucket({{ length }}, tile), time_bucket({{ length }}, tile) + {{ length }}]) as span
        from {{ tiles }}
    ) as past
        on
            own.{{ key }} = past.{{ key }}
            and time_bucket({{ length }}, own.serves) = past.span
            and own.serves > past.tile
            and own.serves - {{ length }} <= past.tile
)
{%- endmacro %}
