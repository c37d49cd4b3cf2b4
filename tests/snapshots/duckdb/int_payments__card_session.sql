with payments as (

    select * from __dbt__cte__int_payments__card_steps

)

select
    *,
    -- A session starts after 30 minutes without a payment; one that runs for more than a day has no start in sight.
    max(case when card_gap_ms is null or card_gap_ms > 1800000 then event_ts end) over (
        partition by card_id order by event_ts
        range between interval '24 hours' preceding and current row
    ) as card_session_started_at
from payments
