select
    ip,
    date_trunc('hour', coalesce(transmitted_ts, event_ts)) as tile,
    card_id
from "memory"."main"."stg_payments"
where ip is not null
group by ip, date_trunc('hour', coalesce(transmitted_ts, event_ts)), card_id
