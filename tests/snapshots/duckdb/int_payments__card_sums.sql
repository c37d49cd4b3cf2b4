-- What int_payments__card_day and int_payments__card_month count, add up and compare, not as windows but as a join of a
-- payment with its card's: RisingWave does that once for all of them (docs/decisions/0031-sums-by-a-join.md).
with payments as (

    select
        event_id,
        event_ts,
        card_id,
        local_hour,
        merchant_id,
        merchant_country,
        device_id,
        billing_amount_minor,
        (billing_amount_minor::hugeint * billing_amount_minor::hugeint) as amount_square,
        case when is_declined then 1 else 0 end as declined,
        -- Spans of 30 days: a payment is past to those of its own span and the next, and no others are joined.
        cast(floor(extract(epoch from event_ts) / 2592000) as bigint) as span
    from "memory"."main"."stg_payments"

),

past as (

    select
        *,
        unnest(array[span, span + 1]) as seen_in
    from payments

),

seen as (

    select
        payments.card_id,
        payments.span,
        payments.event_id,
        past.billing_amount_minor,
        past.amount_square,
        past.declined,
        past.event_ts >= payments.event_ts - interval '1 minute' as in_1m,
        past.event_ts >= payments.event_ts - interval '5 minutes' as in_5m,
        past.event_ts >= payments.event_ts - interval '10 minutes' as in_10m,
        past.event_ts >= payments.event_ts - interval '1 hour' as in_1h,
        past.event_ts >= payments.event_ts - interval '24 hours' as in_24h,
        past.event_ts >= payments.event_ts - interval '168 hours' as in_7d,
        past.local_hour = payments.local_hour as same_hour,
        past.merchant_id = payments.merchant_id as same_merchant,
        past.merchant_country = payments.merchant_country as same_country,
        past.device_id = payments.device_id as same_device
    from payments
    inner join past
        on
            payments.card_id = past.card_id
            and payments.span = past.seen_in
            and payments.event_ts >= past.event_ts
            and payments.event_ts <= past.event_ts + interval '720 hours'

)

select
    event_id,
    sum(case when in_1m then 1 else 0 end)::bigint as card_txn_count_1m,
    sum(case when in_5m then 1 else 0 end)::bigint as card_txn_count_5m,
    sum(case when in_10m then 1 else 0 end)::bigint as card_txn_count_10m,
    sum(case when in_1h then 1 else 0 end)::bigint as card_txn_count_1h,
    sum(case when in_24h then 1 else 0 end)::bigint as card_txn_count_24h,
    sum(case when in_7d then 1 else 0 end)::bigint as card_txn_count_7d,
    count(*) as card_txn_count_30d,
    sum(case when in_10m then billing_amount_minor end)::bigint as card_amount_sum_10m,
    sum(case when in_1h then billing_amount_minor end)::bigint as card_amount_sum_1h,
    sum(case when in_24h then billing_amount_minor end)::bigint as card_amount_sum_24h,
    sum(case when in_7d then billing_amount_minor end) as card_amount_total_7d,
    sum(billing_amount_minor) as card_amount_total_30d,
    sum(case when in_7d then amount_square end) as card_amount_squares_7d,
    sum(amount_square) as card_amount_squares_30d,
    max(case when in_24h then billing_amount_minor end) as card_amount_max_24h,
    max(case when in_7d then billing_amount_minor end) as card_amount_max_7d,
    max(billing_amount_minor) as card_amount_max_30d,
    sum(case when in_10m then declined else 0 end)::bigint as card_decline_count_10m,
    sum(case when in_1h then declined else 0 end)::bigint as card_decline_count_1h,
    sum(case when same_hour then 1 else 0 end)::bigint as card_same_hour_count_30d,
    sum(case when same_merchant then 1 else 0 end)::bigint as card_same_merchant_count_30d,
    sum(case when same_country then 1 else 0 end)::bigint as card_same_country_count_30d,
    sum(case when same_device then 1 else 0 end)::bigint as card_same_device_count_30d
from seen
-- By what they were joined by too, so that a card's pairs are added up where they are, not sent on one by one.
group by card_id, span, event_id
