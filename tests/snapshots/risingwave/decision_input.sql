with payments as (

    select payments.*, sums.*, facts.*, lists.*
    from (
        "dev"."public"."stg_payments" as payments
        inner join (
            select event_id as summed_event_id, * except (event_id) from __dbt__cte__int_payments__card_sums
        ) as sums on payments.event_id = sums.summed_event_id
    )
    inner join (
        (
            select event_id as known_event_id, * except (event_id, event_ts, transmitted_ts, card_id, device_id, merchant_id, bin, ip, source_offset)
            from __dbt__cte__int_payments__facts
        ) as facts
        inner join (
            select event_id as listed_event_id, * except (event_id) from __dbt__cte__int_payments__card_lists
        ) as lists on facts.known_event_id = lists.listed_event_id
    ) on payments.event_id = facts.known_event_id

),

measured as (

    select
        *,
        case
    when card_txn_count_7d >= 2 then sqrt(
        greatest(
            card_amount_squares_7d::double precision
            - card_amount_total_7d::double precision * card_amount_total_7d::double precision / card_txn_count_7d::double precision,
            0::double precision
        ) / (card_txn_count_7d - 1)::double precision
    )
end as card_amount_std_7d,
        case
    when card_txn_count_30d >= 2 then sqrt(
        greatest(
            card_amount_squares_30d::double precision
            - card_amount_total_30d::double precision * card_amount_total_30d::double precision / card_txn_count_30d::double precision,
            0::double precision
        ) / (card_txn_count_30d - 1)::double precision
    )
end
            as card_amount_std_30d,
        -- The card's other payments, so that an outlier does not hide in its own mean.
        card_txn_count_30d - 1 as others_count,
        card_amount_total_30d - billing_amount_minor as others_total,
        card_amount_squares_30d - (billing_amount_minor::decimal * billing_amount_minor::decimal) as others_squares,
        case
    when home_latitude is not null and home_longitude is not null and latitude is not null and longitude is not null
        then 2 * 6371.0088 * asin(least(1.0::double precision, sqrt(
            power(sin(radians(latitude - home_latitude) / 2), 2)
            + cos(radians(home_latitude)) * cos(radians(latitude)) * power(sin(radians(longitude - home_longitude) / 2), 2)
        )))
end as card_home_km
    from payments

),

compared as (

    select
        *,
        case when others_count > 0 then (others_total)::double precision / (others_count)::double precision end as others_mean,
        case
    when others_count >= 2 then sqrt(
        greatest(
            others_squares::double precision
            - others_total::double precision * others_total::double precision / others_count::double precision,
            0::double precision
        ) / (others_count - 1)::double precision
    )
end as others_std
    from measured

)

select
    distinct
    -- the event
    event_id,
    event_ts,
    card_id,
    account_id,
    customer_id,
    channel,
    transaction_type,
    message_type,
    entry_mode,
    cardholder_verification,
    cvv_result,
    avs_result,
    three_ds_status,
    three_ds_eci,
    wallet,
    is_recurring,
    response_code,
    is_declined,
    event_code,
    amount_minor,
    currency,
    billing_amount_minor,
    mcc,
    merchant_id,
    merchant_country,
    terminal_id,
    acquirer_id,
    bin,
    ip,
    device_id,
    latitude,
    longitude,
    local_hour,
    -- the card, up to a day
    card_txn_count_1m,
    card_txn_count_5m,
    card_txn_count_10m,
    card_txn_count_1h,
    card_txn_count_24h,
    card_amount_sum_10m,
    card_amount_sum_1h,
    card_amount_sum_24h,
    card_amount_max_24h,
    card_decline_count_10m,
    card_decline_count_1h,
    card_gap_ms,
    card_gap_ms / 1000.0::double precision as card_seconds_since_last,
    card_merchant_count_24h,
    card_mcc_count_24h,
    card_country_count_24h,
    card_km_from_last,
    -- Below a minute the clock says more about the terminals than about the journey.
    case
        when card_place_gap_ms is not null
            then card_km_from_last * 3600000.0::double precision / greatest(card_place_gap_ms, 60000)::double precision
    end as card_kmh_from_last,
    card_session_started_at,
    case when card_session_started_at is null then card_txn_count_24h else card_session_window_count end
        as card_session_txn_count,
    coalesce(trunc(extract(epoch from (event_ts - card_session_started_at)) * 1000)::bigint, 86400000) / 1000.0::double precision
        as card_session_seconds,
    card_events_30m,
    -- the card, up to a month
    card_txn_count_7d,
    cast(card_amount_total_7d as bigint) as card_amount_sum_7d,
    case when card_txn_count_7d > 0 then (card_amount_total_7d)::double precision / (card_txn_count_7d)::double precision end as card_amount_avg_7d,
    card_amount_std_7d,
    card_amount_max_7d,
    card_txn_count_30d,
    cast(card_amount_total_30d as bigint) as card_amount_sum_30d,
    case when card_txn_count_30d > 0 then (card_amount_total_30d)::double precision / (card_txn_count_30d)::double precision end as card_amount_avg_30d,
    card_amount_std_30d,
    card_amount_max_30d,
    case when card_gap_count_30d * 1000 > 0 then (card_gap_total_30d)::double precision / (card_gap_count_30d * 1000)::double precision end as card_gap_avg_30d,
    case
    when card_gap_count_30d >= 2 then sqrt(
        greatest(
            card_gap_squares_30d::double precision
            - card_gap_total_30d::double precision * card_gap_total_30d::double precision / card_gap_count_30d::double precision,
            0::double precision
        ) / (card_gap_count_30d - 1)::double precision
    )
end / 1000.0::double precision
        as card_gap_std_30d,
    case
        when others_std > 0
            then (billing_amount_minor::double precision - others_mean) / others_std
    end as card_amount_zscore_30d,
    case when card_txn_count_30d > 0 then (card_same_hour_count_30d)::double precision / (card_txn_count_30d)::double precision end as card_hour_share_30d,
    merchant_id is not null and card_same_merchant_count_30d = 1 as card_merchant_first_30d,
    merchant_country is not null and card_same_country_count_30d = 1 as card_country_first_30d,
    device_id is not null and card_same_device_count_30d = 1 as card_device_first_30d,
    -- the card against its profile
    card_home_km,
    case when profile_usual_radius_km > 0 then card_home_km / profile_usual_radius_km end as card_home_km_ratio,
    case
        when profile_std_amount_minor > 0
            then
                (billing_amount_minor::double precision - profile_mean_amount_minor)
                / profile_std_amount_minor
    end as card_amount_zscore_profile,
    merchant_country <> profile_home_country as card_is_abroad,
    profile_segment,
    profile_risk_class,
    profile_status,
    profile_single_limit_minor,
    profile_daily_limit_minor,
    profile_mean_daily_count,
    profile_travels_abroad,
    profile_tenure_days,
    -- the device
    device_txn_count_10m,
    device_txn_count_1h,
    device_txn_count_24h,
    device_card_count_1h,
    device_card_count_24h,
    device_decline_rate_1h,
    device_type,
    device_os,
    device_is_emulator,
    device_is_rooted,
    device_age_days,
    -- the ip
    ip_txn_count_10m,
    ip_txn_count_1h,
    ip_txn_count_24h,
    ip_card_count_1h,
    ip_card_count_24h,
    ip_decline_rate_1h,
    ip_fraud_rate_30d,
    -- the merchant
    merchant_txn_count_10m,
    merchant_txn_count_1h,
    merchant_txn_count_24h,
    merchant_amount_avg_10m,
    merchant_amount_avg_1h,
    merchant_amount_avg_24h,
    merchant_decline_rate_10m,
    merchant_decline_rate_1h,
    merchant_decline_rate_24h,
    merchant_fraud_rate_30d,
    -- the BIN
    bin_txn_count_10m,
    bin_txn_count_1h,
    bin_txn_count_24h,
    bin_amount_avg_10m,
    bin_amount_avg_1h,
    bin_amount_avg_24h,
    bin_decline_rate_10m,
    bin_decline_rate_1h,
    bin_decline_rate_24h,
    -- where it came from
    source,
    source_partition,
    source_offset
from compared
