{{ config(materialized = tile_kind()) }}

select
    ip,
    date_trunc('minute', {{ counted_ts() }}) as tile,
    card_id
from {{ ref('stg_payments') }}
where ip is not null
group by ip, date_trunc('minute', {{ counted_ts() }}), card_id
