with payments as (

    select * from __dbt__cte__int_payments__card_session

)

select
    *,
    count(*) over card_1m as card_txn_count_1m,
    count(*) over card_5m as card_txn_count_5m,
    count(*) over card_10m as card_txn_count_10m,
    count(*) over card_1h as card_txn_count_1h,
    count(*) over card_24h as card_txn_count_24h,
    cast(sum(billing_amount_minor) over card_10m as bigint) as card_amount_sum_10m,
    cast(sum(billing_amount_minor) over card_1h as bigint) as card_amount_sum_1h,
    cast(sum(billing_amount_minor) over card_24h as bigint) as card_amount_sum_24h,
    max(billing_amount_minor) over card_24h as card_amount_max_24h,
    cast(sum(case when is_declined then 1 else 0 end) over card_10m as bigint) as card_decline_count_10m,
    cast(sum(case when is_declined then 1 else 0 end) over card_1h as bigint) as card_decline_count_1h,
    count(distinct merchant_id) over card_24h as card_merchant_count_24h,
    count(distinct mcc) over card_24h as card_mcc_count_24h,
    count(distinct merchant_country) over card_24h as card_country_count_24h,
    count(*) over (
        partition by card_id, card_session_started_at order by event_ts
        range between interval '24 hours' preceding and current row
    ) as card_session_window_count,
    string_agg(event_code, '' order by event_ts, event_id) over card_30m as card_events_30m
from payments
window
    card_1m as (
        partition by card_id order by event_ts
        range between interval '1 minute' preceding and current row
    ),
    card_5m as (
        partition by card_id order by event_ts
        range between interval '5 minutes' preceding and current row
    ),
    card_10m as (
        partition by card_id order by event_ts
        range between interval '10 minutes' preceding and current row
    ),
    card_30m as (
        partition by card_id order by event_ts
        range between interval '30 minutes' preceding and current row
    ),
    card_1h as (
        partition by card_id order by event_ts
        range between interval '1 hour' preceding and current row
    ),
    card_24h as (
        partition by card_id order by event_ts
        range between interval '24 hours' preceding and current row
    )
