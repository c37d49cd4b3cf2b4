{# Payments, their amount and their declines, by key and minute, hour or day. #}
{% macro activity_tiles(key, unit) %}{{ return(adapter.dispatch('activity_tiles', 'riskwave')(key, unit)) }}{% endmacro %}

{% macro default__activity_tiles(key, unit) -%}
select
    {{ key }},
    date_trunc('{{ unit }}', {{ counted_ts() }}) as tile,
    count(*) as txn_count,
    sum(billing_amount_minor)::bigint as amount_sum,
    sum(case when is_declined then 1 else 0 end)::bigint as decline_count
from {{ ref('stg_payments') }}
where {{ key }} is not null
group by {{ key }}, date_trunc('{{ unit }}', {{ counted_ts() }})
{%- endmacro %}

{#-
A tile of a hot key is made by one actor, to which each of its payments goes. With `tile_salts` above 1 payments are first
added up in so many parts of a tile, on as many actors, and a part goes on once a barrier however many payments it has.
#}
{% macro risingwave__activity_tiles(key, unit) -%}
{%- set salts = var('tile_salts', 1) | int -%}
{%- if salts > 1 -%}
select
    {{ key }},
    tile,
    sum(txn_count)::bigint as txn_count,
    sum(amount_sum)::bigint as amount_sum,
    sum(decline_count)::bigint as decline_count
from (
    select
        {{ key }},
        date_trunc('{{ unit }}', {{ counted_ts() }}) as tile,
        source_offset % {{ salts }} as salt,
        count(*) as txn_count,
        sum(billing_amount_minor)::bigint as amount_sum,
        sum(case when is_declined then 1 else 0 end)::bigint as decline_count
    from {{ ref('stg_payments') }}
    where {{ key }} is not null
    group by {{ key }}, date_trunc('{{ unit }}', {{ counted_ts() }}), source_offset % {{ salts }}
) as parts
group by {{ key }}, tile
{%- else -%}
{{ riskwave.default__activity_tiles(key, unit) }}
{%- endif -%}
{%- endmacro %}
