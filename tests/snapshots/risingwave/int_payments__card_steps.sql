with payments as (

    select * from __dbt__cte__int_payments__device

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
        when previous_ts >= event_ts - interval '720 hours' then trunc(extract(epoch from (event_ts - previous_ts)) * 1000)::bigint
    end as card_gap_ms,
    case
        when has_place and previous_place_ts >= event_ts - interval '720 hours'
            then trunc(extract(epoch from (event_ts - previous_place_ts)) * 1000)::bigint
    end as card_place_gap_ms,
    case
        when has_place and previous_place_ts >= event_ts - interval '720 hours'
            then case
    when previous_latitude is not null and previous_longitude is not null and latitude is not null and longitude is not null
        then 2 * 6371.0088 * asin(least(1.0::double precision, sqrt(
            power(sin(radians(latitude - previous_latitude) / 2), 2)
            + cos(radians(previous_latitude)) * cos(radians(latitude)) * power(sin(radians(longitude - previous_longitude) / 2), 2)
        )))
end
    end as card_km_from_last
from stepped
