-- The minutes in which payments waited longest from receipt (a topic's append time, else the reading) to decision.
with waited as (
    select
        date_trunc('minute', payments.received_at) as received,
        epoch_ms(decisions.decided_at) - epoch_ms(payments.received_at) as milliseconds
    from decisions
    inner join stg_payments as payments on decisions.event_id = payments.event_id
    where decisions.version = 1
)

select
    received,
    count(*) as payments,
    round(quantile_cont(milliseconds, 0.5)) as p50_ms,
    round(quantile_cont(milliseconds, 0.99)) as p99_ms,
    max(milliseconds) as longest_ms
from waited
group by received
order by p99_ms desc, received asc
limit 20;
