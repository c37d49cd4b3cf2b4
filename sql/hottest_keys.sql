-- The keys with the most payments: the ones that decide how large the engine's scopes and tiles are.
with keys as (
    select
        event_id,
        unnest(['card', 'device', 'ip', 'merchant', 'bin']) as entity,
        unnest([card_id, device_id, ip, merchant_id, bin]) as key
    from stg_payments
),

counted as (
    select
        keys.entity,
        keys.key,
        count(*) as payments,
        count_if(decisions.action <> 'allow') as flagged
    from keys
    inner join decisions on keys.event_id = decisions.event_id and decisions.version = 1
    where keys.key is not null
    group by all
)

select
    entity,
    key,
    payments,
    round(payments / sum(payments) over (partition by entity), 4) as share,
    flagged
from counted
qualify row_number() over (partition by entity order by payments desc, key asc) <= 5
order by entity asc, payments desc, key asc;
