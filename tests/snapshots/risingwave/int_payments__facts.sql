with payments as (

    select event_id, event_ts, transmitted_ts, card_id, device_id, merchant_id, bin, ip, source_offset from "dev"."public"."stg_payments"

),

profiles as (

    select * from "dev"."public"."stg_card_profiles"

),

devices as (

    select * from "dev"."public"."stg_devices"

),

tiled as (

    select
        payments.*,
        coalesce(merchant_recent.merchant_txn_count_10m, 0) as merchant_txn_count_10m,
        coalesce(merchant_recent.merchant_txn_count_1h, 0) as merchant_txn_count_1h,
        coalesce(merchant_day.merchant_txn_count_24h, 0) as merchant_txn_count_24h,
        case when merchant_recent.merchant_txn_count_10m > 0 then (merchant_recent.merchant_amount_sum_10m)::double precision / (merchant_recent.merchant_txn_count_10m)::double precision end
            as merchant_amount_avg_10m,
        case when merchant_recent.merchant_txn_count_1h > 0 then (merchant_recent.merchant_amount_sum_1h)::double precision / (merchant_recent.merchant_txn_count_1h)::double precision end
            as merchant_amount_avg_1h,
        case when merchant_day.merchant_txn_count_24h > 0 then (merchant_day.merchant_amount_sum_24h)::double precision / (merchant_day.merchant_txn_count_24h)::double precision end
            as merchant_amount_avg_24h,
        case when merchant_recent.merchant_txn_count_10m > 0 then (merchant_recent.merchant_decline_count_10m)::double precision / (merchant_recent.merchant_txn_count_10m)::double precision end
            as merchant_decline_rate_10m,
        case when merchant_recent.merchant_txn_count_1h > 0 then (merchant_recent.merchant_decline_count_1h)::double precision / (merchant_recent.merchant_txn_count_1h)::double precision end
            as merchant_decline_rate_1h,
        case when merchant_day.merchant_txn_count_24h > 0 then (merchant_day.merchant_decline_count_24h)::double precision / (merchant_day.merchant_txn_count_24h)::double precision end
            as merchant_decline_rate_24h,
        case when merchant_month.merchant_txn_count_30d > 0 then (merchant_month.merchant_fraud_count_30d)::double precision / (merchant_month.merchant_txn_count_30d)::double precision end
            as merchant_fraud_rate_30d,
        coalesce(bin_recent.bin_txn_count_10m, 0) as bin_txn_count_10m,
        coalesce(bin_recent.bin_txn_count_1h, 0) as bin_txn_count_1h,
        coalesce(bin_day.bin_txn_count_24h, 0) as bin_txn_count_24h,
        case when bin_recent.bin_txn_count_10m > 0 then (bin_recent.bin_amount_sum_10m)::double precision / (bin_recent.bin_txn_count_10m)::double precision end as bin_amount_avg_10m,
        case when bin_recent.bin_txn_count_1h > 0 then (bin_recent.bin_amount_sum_1h)::double precision / (bin_recent.bin_txn_count_1h)::double precision end as bin_amount_avg_1h,
        case when bin_day.bin_txn_count_24h > 0 then (bin_day.bin_amount_sum_24h)::double precision / (bin_day.bin_txn_count_24h)::double precision end as bin_amount_avg_24h,
        case when bin_recent.bin_txn_count_10m > 0 then (bin_recent.bin_decline_count_10m)::double precision / (bin_recent.bin_txn_count_10m)::double precision end as bin_decline_rate_10m,
        case when bin_recent.bin_txn_count_1h > 0 then (bin_recent.bin_decline_count_1h)::double precision / (bin_recent.bin_txn_count_1h)::double precision end as bin_decline_rate_1h,
        case when bin_day.bin_txn_count_24h > 0 then (bin_day.bin_decline_count_24h)::double precision / (bin_day.bin_txn_count_24h)::double precision end as bin_decline_rate_24h,
        coalesce(ip_recent.ip_txn_count_10m, 0) as ip_txn_count_10m,
        coalesce(ip_recent.ip_txn_count_1h, 0) as ip_txn_count_1h,
        coalesce(ip_day.ip_txn_count_24h, 0) as ip_txn_count_24h,
        coalesce(ip_cards_recent.ip_card_count_1h, 0) as ip_card_count_1h,
        coalesce(ip_cards_day.ip_card_count_24h, 0) as ip_card_count_24h,
        case when ip_recent.ip_txn_count_1h > 0 then (ip_recent.ip_decline_count_1h)::double precision / (ip_recent.ip_txn_count_1h)::double precision end as ip_decline_rate_1h,
        case when ip_month.ip_txn_count_30d > 0 then (ip_month.ip_fraud_count_30d)::double precision / (ip_month.ip_txn_count_30d)::double precision end as ip_fraud_rate_30d
    from payments

    inner join (
        "dev"."public"."int_merchant_recent" as merchant_recent
        inner join "dev"."public"."int_merchant_day" as merchant_day
            on
                merchant_recent.merchant_id = merchant_day.merchant_id
                and date_trunc('hour', merchant_recent.serves) = merchant_day.serves
        inner join "dev"."public"."int_merchant_month" as merchant_month
            on
                merchant_recent.merchant_id = merchant_month.merchant_id
                and date_trunc('day', merchant_recent.serves) = merchant_month.serves
    )
        on
            coalesce(payments.merchant_id, chr(1) || to_char(coalesce(payments.transmitted_ts, payments.event_ts), 'YYYYMMDDHH24') || (payments.source_offset % 64)::varchar) = merchant_recent.merchant_id
            and date_trunc('minute', coalesce(payments.transmitted_ts, payments.event_ts)) = merchant_recent.serves

    inner join (
        "dev"."public"."int_bin_recent" as bin_recent
        inner join "dev"."public"."int_bin_day" as bin_day
            on
                bin_recent.bin = bin_day.bin
                and date_trunc('hour', bin_recent.serves) = bin_day.serves
    )
        on
            coalesce(payments.bin, chr(1) || to_char(coalesce(payments.transmitted_ts, payments.event_ts), 'YYYYMMDDHH24') || (payments.source_offset % 64)::varchar) = bin_recent.bin
            and date_trunc('minute', coalesce(payments.transmitted_ts, payments.event_ts)) = bin_recent.serves

    inner join (
        "dev"."public"."int_ip_recent" as ip_recent
        inner join "dev"."public"."int_ip_day" as ip_day
            on
                ip_recent.ip = ip_day.ip
                and date_trunc('hour', ip_recent.serves) = ip_day.serves
        inner join "dev"."public"."int_ip_cards_recent" as ip_cards_recent
            on
                ip_recent.ip = ip_cards_recent.ip
                and date_trunc('minute', ip_recent.serves) = ip_cards_recent.serves
        inner join "dev"."public"."int_ip_cards_day" as ip_cards_day
            on
                ip_recent.ip = ip_cards_day.ip
                and date_trunc('hour', ip_recent.serves) = ip_cards_day.serves
        inner join "dev"."public"."int_ip_month" as ip_month
            on
                ip_recent.ip = ip_month.ip
                and date_trunc('day', ip_recent.serves) = ip_month.serves
    )
        on
            coalesce(payments.ip, chr(1) || to_char(coalesce(payments.transmitted_ts, payments.event_ts), 'YYYYMMDDHH24') || (payments.source_offset % 64)::varchar) = ip_recent.ip
            and date_trunc('minute', coalesce(payments.transmitted_ts, payments.event_ts)) = ip_recent.serves

),

profiled as (

    select
        tiled.*,
        profiles.segment as profile_segment,
        profiles.risk_class as profile_risk_class,
        profiles.status as profile_status,
        profiles.home_country as profile_home_country,
        profiles.home_latitude,
        profiles.home_longitude,
        profiles.single_limit_minor as profile_single_limit_minor,
        profiles.daily_limit_minor as profile_daily_limit_minor,
        profiles.mean_amount_minor as profile_mean_amount_minor,
        profiles.std_amount_minor as profile_std_amount_minor,
        profiles.mean_daily_count as profile_mean_daily_count,
        profiles.usual_radius_km as profile_usual_radius_km,
        profiles.travels_abroad as profile_travels_abroad,
        trunc(extract(epoch from (tiled.event_ts - profiles.opened_at)) * 1000)::bigint / 86400000.0::double precision
            as profile_tenure_days
    from tiled
    asof left join profiles as profiles
        on tiled.card_id = profiles.card_id and tiled.event_ts >= profiles.valid_from

)

select
    profiled.*,
    devices.device_type,
    devices.os as device_os,
    devices.is_emulator as device_is_emulator,
    devices.is_rooted as device_is_rooted,
    trunc(extract(epoch from (profiled.event_ts - devices.first_seen_at)) * 1000)::bigint / 86400000.0::double precision
        as device_age_days
from profiled
asof left join devices as devices
        on profiled.device_id = devices.device_id and profiled.event_ts >= devices.valid_from
