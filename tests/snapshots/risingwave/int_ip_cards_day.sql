select
    ip,
    serves,
    count(distinct card_id) as ip_card_count_24h
from (
    select *, window_end as serves
    from hop("dev"."public"."int_ip_card_hours", tile, interval '1 hour', interval '24 hour')
) as ahead
group by ip, serves
