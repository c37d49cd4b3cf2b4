select
    ip,
    serves,
    count(distinct card_id) as ip_card_count_1h
from (
    select *, window_end as serves
    from hop("dev"."public"."int_ip_card_minutes", tile, interval '1 minute', interval '60 minute')
) as ahead
group by ip, serves
