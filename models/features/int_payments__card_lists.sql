-- What int_payments__card_steps to int_payments__card_month tell of a card's places, sessions, distinct values and
-- gaps, not by a window for each but from lists: RisingWave goes through all of a card's payments for every aggregate
-- of a window (docs/decisions/0032-lists-not-windows.md).
with payments as (

    select * from {{ ref('int_payments__card_steps') }}

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
        {{ codes_over('event_code', 'card_30m') }} as card_events_30m
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
        {{ part_of('place_before', 1) }} as place_before_ts,
        {{ part_of('place_before', 2) }} as latitude_before,
        {{ part_of('place_before', 3) }} as longitude_before,
        -- A step back of more than 30 days is no step.
        coalesce(has_place and {{ part_of('place_before', 1) }} >= event_ts - interval '720 hours', false) as has_step,
        {{ each_of('day', 'past', part_of('past', 1)) }} as moments,
        {{ each_of('day', 'past', 'case when ' ~ part_of('past', 2) ~ ' then ' ~ part_of('past', 1) ~ ' end') }}
            as starts
    from listed

),

begun as (

    select
        *,
        {{ over_list('max', 'starts') }} as card_session_started_at
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
    case when has_step then {{ milliseconds_between('place_before_ts', 'event_ts') }} end as card_place_gap_ms,
    case when has_step then {{ kilometres('latitude_before', 'longitude_before', 'latitude', 'longitude') }} end
        as card_km_from_last,
    card_session_started_at,
    -- The day's payments from the session's first on; the list is in their order.
    (array_length(moments) + 1 - coalesce(array_position(moments, card_session_started_at), 1))::bigint
        as card_session_window_count,
    card_events_30m,
    {{ distinct_in(each_of('day', 'past', part_of('past', 3))) }} as card_merchant_count_24h,
    {{ distinct_in(each_of('day', 'past', part_of('past', 4))) }} as card_mcc_count_24h,
    {{ distinct_in(each_of('day', 'past', part_of('past', 5))) }} as card_country_count_24h,
    {{ over_list('sum', each_of('gaps', 'gap', 'case when gap is null then 0 else 1 end')) }}::bigint
        as card_gap_count_30d,
    {{ over_list('sum', 'gaps') }} as card_gap_total_30d,
    {{ over_list('sum', each_of('gaps', 'gap', wide_square('gap'))) }} as card_gap_squares_30d
from begun
