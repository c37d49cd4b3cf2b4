{# How many cards an ip had in the complete tiles before an event's own, under the ip and the tile they serve. #}
{% macro cards_before(measure, tiles, unit, window) %}{{ return(adapter.dispatch('cards_before', 'riskwave')(measure, tiles, unit, window)) }}{% endmacro %}

{% macro duckdb__cards_before(measure, tiles, unit, window) -%}
select
    ip,
    serves,
    count(distinct card_id) as {{ measure }}
from {{ tiles_ahead(tiles, 'ip', unit, window, ref('stg_payments')) }} as ahead
group by ip, serves
{%- endmacro %}

{% macro risingwave__cards_before(measure, tiles, unit, window) -%}
{%- set longest = window ~ ' ' ~ unit -%}
with awaited as (

    {{ tiles_and_awaited(tiles, 'ip', unit, longest, {'card_id': 'varchar'}) }}

),

windowed as (

    select
        *,
        {{ distinct_over('card_id', 'before') }} as {{ measure }}
    from awaited
    window before as ({{ tiles_before('ip', longest, '1 ' ~ unit) }})

)

select
    ip,
    serves,
    {{ measure }}
from windowed
where is_awaited
{%- endmacro %}
