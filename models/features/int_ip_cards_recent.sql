{{ config(materialized = tile_kind()) }}

select
    ip,
    serves,
    count(distinct card_id) as ip_card_count_1h
from {{ tiles_ahead(ref('int_ip_card_minutes'), 'ip', 'minute', 60, ref('stg_payments')) }} as ahead
group by ip, serves
