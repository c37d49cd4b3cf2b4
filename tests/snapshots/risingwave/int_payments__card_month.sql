with payments as (

    select * from __dbt__cte__int_payments__card_day

)

select
    *,
    count(*) over card_7d as card_txn_count_7d,
    count(*) over card_30d as card_txn_count_30d,
    sum(billing_amount_minor) over card_7d as card_amount_total_7d,
    sum(billing_amount_minor) over card_30d as card_amount_total_30d,
    sum((billing_amount_minor::decimal * billing_amount_minor::decimal)) over card_7d as card_amount_squares_7d,
    sum((billing_amount_minor::decimal * billing_amount_minor::decimal)) over card_30d as card_amount_squares_30d,
    max(billing_amount_minor) over card_7d as card_amount_max_7d,
    max(billing_amount_minor) over card_30d as card_amount_max_30d,
    count(card_gap_ms) over card_30d as card_gap_count_30d,
    sum(card_gap_ms) over card_30d as card_gap_total_30d,
    sum((card_gap_ms::decimal * card_gap_ms::decimal)) over card_30d as card_gap_squares_30d,
    count(*) over (
        partition by card_id, local_hour order by event_ts
        range between interval '720 hours' preceding and current row
    ) as card_same_hour_count_30d,
    count(*) over (
        partition by card_id, merchant_id order by event_ts
        range between interval '720 hours' preceding and current row
    ) as card_same_merchant_count_30d,
    count(*) over (
        partition by card_id, merchant_country order by event_ts
        range between interval '720 hours' preceding and current row
    ) as card_same_country_count_30d,
    count(*) over (
        partition by card_id, device_id order by event_ts
        range between interval '720 hours' preceding and current row
    ) as card_same_device_count_30d
from payments
window
    card_7d as (
        partition by card_id order by event_ts
        range between interval '168 hours' preceding and current row
    ),
    card_30d as (
        partition by card_id order by event_ts
        range between interval '720 hours' preceding and current row
    )
