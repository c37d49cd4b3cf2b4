{{ config(materialized = tile_kind()) }}

select
    ip,
    serves,
    count(distinct card_id) as ip_card_count_24h
from {{ tiles_ahead(ref('int_ip_card_hours'), 'ip', 'hour', 24, ref('stg_payments')) }} as ahead
group by ip, serves
