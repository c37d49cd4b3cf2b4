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
        array_to_string(
    array_transform(
        array_sort(
            array_agg(to_char(event_ts, 'YYYYMMDDHH24MISSUS') || event_id || chr(1) || event_code) over card_30m
        ),
        |token| right(token, 1)
    ),
    ''
) as card_events_30m
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
        (place_before).f1 as place_before_ts,
        (place_before).f2 as latitude_before,
        (place_before).f3 as longitude_before,
        -- A step back of more than 30 days is no step.
        coalesce(has_place and (place_before).f1 >= event_ts - interval '720 hours', false) as has_step,
        array_transform(day, |past| (past).f1) as moments,
        array_transform(day, |past| case when (past).f2 then (past).f1 end)
            as starts
    from listed

),

begun as (

    select
        *,
        array_max(starts) as card_session_started_at
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
    case when has_step then trunc(extract(epoch from (event_ts - place_before_ts)) * 1000)::bigint end as card_place_gap_ms,
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
    coalesce(array_length(array_remove(array_distinct(array_transform(day, |past| (past).f3)), null)), 0)::bigint as card_merchant_count_24h,
    coalesce(array_length(array_remove(array_distinct(array_transform(day, |past| (past).f4)), null)), 0)::bigint as card_mcc_count_24h,
    coalesce(array_length(array_remove(array_distinct(array_transform(day, |past| (past).f5)), null)), 0)::bigint as card_country_count_24h,
    array_sum(array_transform(gaps, |gap| case when gap is null then 0 else 1 end))::bigint
        as card_gap_count_30d,
    array_sum(gaps) as card_gap_total_30d,
    array_sum(array_transform(gaps, |gap| (gap::decimal * gap::decimal))) as card_gap_squares_30d
from begun
