-- Everything on one card in order of time, as it was decided and as it would be now: give --set card_id=…
select
    first.event_ts,
    known.amount_minor / 100 as amount,
    known.currency,
    known.merchant_id,
    known.merchant_country as country,
    known.entry_mode,
    known.device_id,
    known.event_code as code,
    known.card_events_30m as codes_30m,
    first.action,
    latest.action as action_now,
    latest.version as versions,
    array_to_string(first.reasons, '; ') as reasons,
    first.event_id
from decisions as first
inner join decision_input as known on first.event_id = known.event_id and first.version = known.version
inner join current_decisions as latest on first.event_id = latest.event_id
where first.version = 1 and first.card_id = getvariable('card_id')
order by first.event_ts, first.event_id;
