-- Which rules fired most, how often each was the only one, and on how many cards.
with fired as (
    select
        unnest(rule_ids) as rule,
        len(rule_ids) as rules,
        card_id,
        action
    from decisions
    where version = 1
)

select
    rule,
    count(*) as fired,
    count_if(rules = 1) as alone,
    count(distinct card_id) as cards,
    count_if(action = 'block') as blocked,
    count_if(action = 'challenge') as challenged,
    count_if(action = 'review') as reviewed
from fired
group by rule
order by fired desc, rule asc;
