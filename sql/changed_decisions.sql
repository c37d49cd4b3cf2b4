-- Decisions that would be another today, because a late payment or fact changed what is known of them.
select
    latest.event_id,
    latest.event_ts,
    latest.card_id,
    first.action as acted,
    latest.action as action_now,
    latest.version as versions,
    first.rule_ids as rules_then,
    latest.rule_ids as rules_now,
    latest.decided_at
from current_decisions as latest
inner join decisions as first on latest.event_id = first.event_id and first.version = 1
where first.action <> latest.action
order by latest.decided_at desc, latest.event_id asc
limit 100;
