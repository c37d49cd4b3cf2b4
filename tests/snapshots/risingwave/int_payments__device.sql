with payments as (

    select event_id, event_ts, card_id, device_id, billing_amount_minor, is_declined, event_code, merchant_id, mcc, merchant_country, has_place, latitude, longitude, local_hour from "dev"."public"."stg_payments"

),

windowed as (

    select
        *,
        count(*) over device_10m as device_window_count_10m,
        count(*) over device_1h as device_window_count_1h,
        count(*) over device_24h as device_window_count_24h,
        sum(case when is_declined then 1 else 0 end) over device_1h as device_window_declines_1h,
        coalesce(array_length(array_remove(array_distinct(array_agg(card_id) over device_1h), null)), 0)::bigint as device_window_cards_1h,
        coalesce(array_length(array_remove(array_distinct(array_agg(card_id) over device_24h), null)), 0)::bigint as device_window_cards_24h
    from payments
    window
        device_10m as (
            partition by coalesce(device_id, event_id) order by event_ts
            range between interval '10 minutes' preceding and current row
        ),
        device_1h as (
            partition by coalesce(device_id, event_id) order by event_ts
            range between interval '1 hour' preceding and current row
        ),
        device_24h as (
            partition by coalesce(device_id, event_id) order by event_ts
            range between interval '24 hours' preceding and current row
        )

)

select
    *,
    case when device_id is not null then device_window_count_10m end as device_txn_count_10m,
    case when device_id is not null then device_window_count_1h end as device_txn_count_1h,
    case when device_id is not null then device_window_count_24h end as device_txn_count_24h,
    case when device_id is not null then device_window_cards_1h end as device_card_count_1h,
    case when device_id is not null then device_window_cards_24h end as device_card_count_24h,
    case when device_id is not null then case when device_window_count_1h > 0 then (device_window_declines_1h)::double precision / (device_window_count_1h)::double precision end end
        as device_decline_rate_1h
from windowed
