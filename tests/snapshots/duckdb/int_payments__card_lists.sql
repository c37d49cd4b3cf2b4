-- What int_payments__card_steps to int_payments__card_month tell of a card's places, sessions, distinct values and
-- gaps, not by a window for each but from lists: RisingWave goes through all of a card's payments for every aggregate
-- of a window (docs/decisions/0032-lists-not-windows.md).
with payments as (

    select * from __dbt__cte__int_payments__card_steps

),

listed as (

    select
        *,
        lag(row(event_ts, latitude, longitude)) over (
            partition by card_id, has_place order by event_ts, event_id
        ) as place_before,
        -- A payment with whether it starts a session: after 30 minutes without one.
        array_agg(row(event_ts, card_gap_ms is null or card_gap_ms > 1800000, merchant_id, mcc, merchant_country))
            over card_24h as day,
        array_agg(card_gap_ms) over card_30d as gaps,
        string_agg(event_code, '' order by event_ts, event_id) over card_30m as card_events_30m
    from payments
    window
        card_30m as (
            partition by card_id order by event_ts
            range between interval '30 minutes' preceding and current row
        ),
        card_24h as (
            partition by card_id order by event_ts
            range between interval '24 hours' preceding and current row
        ),
        card_30d as (
            partition by card_id order by event_ts
            range between interval '720 hours' preceding and current row
        )

),

stepped as (

    select
        *,
        place_before[1] as place_before_ts,
        place_before[2] as latitude_before,
        place_before[3] as longitude_before,
        -- A step back of more than 30 days is no step.
        coalesce(has_place and place_before[1] >= event_ts - interval '720 hours', false) as has_step,
        array_transform(day, lambda past: past[1]) as moments,
        array_transform(day, lambda past: case when past[2] then past[1] end)
            as starts
    from listed

),

begun as (

    select
        *,
        list_max(starts) as card_session_started_at
    from stepped

)

select
    event_id,
    device_txn_count_10m,
    device_txn_count_1h,
    device_txn_count_24h,
    device_card_count_1h,
    device_card_count_24h,
    device_decline_rate_1h,
    card_gap_ms,
    case when has_step then (epoch_us(event_ts) - epoch_us(place_before_ts)) // 1000 end as card_place_gap_ms,
    case when has_step then case
    when latitude_before is not null and longitude_before is not null and latitude is not null and longitude is not null
        then 2 * 6371.0088 * asin(least(1.0::double precision, sqrt(
            power(sin(radians(latitude - latitude_before) / 2), 2)
            + cos(radians(latitude_before)) * cos(radians(latitude)) * power(sin(radians(longitude - longitude_before) / 2), 2)
        )))
end end
        as card_km_from_last,
    card_session_started_at,
    -- The day's payments from the session's first on; the list is in their order.
    (array_length(moments) + 1 - coalesce(array_position(moments, card_session_started_at), 1))::bigint
        as card_session_window_count,
    card_events_30m,
    array_length(array_distinct(array_transform(day, lambda past: past[3])))::bigint as card_merchant_count_24h,
    array_length(array_distinct(array_transform(day, lambda past: past[4])))::bigint as card_mcc_count_24h,
    array_length(array_distinct(array_transform(day, lambda past: past[5])))::bigint as card_country_count_24h,
    list_sum(array_transform(gaps, lambda gap: case when gap is null then 0 else 1 end))::bigint
        as card_gap_count_30d,
    list_sum(gaps) as card_gap_total_30d,
    list_sum(array_transform(gaps, lambda gap: (gap::hugeint * gap::hugeint))) as card_gap_squares_30d
from begun
