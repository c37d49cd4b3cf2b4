-- Decisions by hour of the payment and action, with the money behind them.
-- The first decision of an event is the one that acted; later versions supersede it on paper.
select
    date_trunc('hour', decisions.event_ts) as hour,
    decisions.action,
    count(*) as payments,
    sum(known.billing_amount_minor) / 100 as amount
from decisions
inner join decision_input as known
    on decisions.event_id = known.event_id and decisions.version = known.version
where decisions.version = 1
group by all
order by hour asc, payments desc;
