{#
Tiles, and a row for each tile that an event looks up (RisingWave only): its key and the tile's start, as `serves`.

The awaited row is there as soon as the first event of that key and tile is: de-duplication passes a first row on at
once, an aggregate only with the next barrier. A window over both that ends before the row's own tile (tiles_before)
then has at the awaited row what the complete tiles before it sum up to, and no later event of that tile changes it.
So a tile costs a few rows, however long the windows over it; folding each tile forward with HOP costs a row for every
tile it will serve, 400 an event over all windows, most of which nobody looks up.

The newest tile of all is held back: no window that anybody looks up holds it, and while it is the newest each barrier
changes it. It goes on, whole, with the barrier that brings a payment of the tile after it.

RisingWave goes through all rows of a window's partition when it is not in memory: a hot key's tiles of years, to add a
minute. So a partition is a key's tiles of one `span`, a day, month or year; a tile within a window's length of its
span's end is in the next one too.

An event without the key awaits a row too (awaited_key): an inner join (look_up) finds one row for every event.

    longest: how far the windows over them reach back
    columns: the tiles' own columns with their types, NULL in awaited rows
#}
{% macro tiles_and_awaited(tiles, key, unit, longest, columns) -%}
{%- set span = {'minute': 'day', 'hour': 'month', 'day': 'year'}[unit] -%}
with complete as (

        select
            {{ key }},
            date_trunc('{{ span }}', tile) as span,
            date_trunc('{{ span }}', tile + interval '{{ longest }}') as next_span,
            tile as serves,
            false as is_awaited,
            {% for column, kind in columns.items() %}{{ column }}::{{ kind }}{{ ", " if not loop.last }}{% endfor %}
        from {{ tiles }}
        where tile < (select max(date_trunc('{{ unit }}', last_counted_ts)) from {{ ref('int_payments__span') }})

    )

    select
        {{ key }},
        span,
        serves,
        is_awaited,
        {{ columns | join(', ') }}
    from complete
    union all
    select
        {{ key }},
        next_span as span,
        serves,
        is_awaited,
        {{ columns | join(', ') }}
    from complete
    where next_span <> span
    union all
    select
        {{ key }},
        date_trunc('{{ span }}', serves) as span,
        serves,
        true as is_awaited,
        {% for column, kind in columns.items() %}null::{{ kind }} as {{ column }}{{ ", " if not loop.last }}{% endfor %}
    from (
        select distinct on ({{ key }}, serves) *
        from (
            select
                {{ awaited_key(key) }} as {{ key }},
                date_trunc('{{ unit }}', {{ counted_ts() }}) as serves
            from {{ ref('stg_payments') }}
        ) as looked_up
    ) as firsts
{%- endmacro %}
