with payments as (

    select * from {{ ref('int_payments__device') }}

),

stepped as (

    select
        *,
        lag(event_ts) over (partition by card_id order by event_ts, event_id) as previous_ts,
        lag(event_ts) over (partition by card_id, has_place order by event_ts, event_id) as previous_place_ts,
        lag(latitude) over (partition by card_id, has_place order by event_ts, event_id) as previous_latitude,
        lag(longitude) over (partition by card_id, has_place order by event_ts, event_id) as previous_longitude
    from payments

)

select
    *,
    -- A step back of more than 30 days is no step: the state need not reach further.
    case
        when previous_ts >= event_ts - interval '720 hours' then {{ milliseconds_between('previous_ts', 'event_ts') }}
    end as card_gap_ms,
    case
        when has_place and previous_place_ts >= event_ts - interval '720 hours'
            then {{ milliseconds_between('previous_place_ts', 'event_ts') }}
    end as card_place_gap_ms,
    case
        when has_place and previous_place_ts >= event_ts - interval '720 hours'
            then {{ kilometres('previous_latitude', 'previous_longitude', 'latitude', 'longitude') }}
    end as card_km_from_last
from stepped
