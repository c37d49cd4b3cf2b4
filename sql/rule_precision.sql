-- How often each rule was right, by the labels that have come: a payment nobody has complained about counts as
-- legitimate, so young rules and young payments look worse than they are.
with frauds as (
    select distinct event_id
    from labels
    where verdict = 'fraud'
),

fired as (
    select
        unnest(decisions.rule_ids) as rule,
        frauds.event_id is not null as is_fraud,
        known.billing_amount_minor
    from decisions
    inner join decision_input as known
        on decisions.event_id = known.event_id and decisions.version = known.version
    left join frauds on decisions.event_id = frauds.event_id
    where decisions.version = 1
)

select
    rule,
    count(*) as fired,
    count_if(is_fraud) as frauds,
    round(count_if(is_fraud) / count(*), 4) as rule_precision,
    round(count_if(is_fraud) / nullif((select count(*) from frauds), 0), 4) as share_of_frauds,
    coalesce(sum(billing_amount_minor) filter (where is_fraud), 0) / 100 as fraud_amount
from fired
group by rule
order by rule_precision desc, fired desc, rule asc;
