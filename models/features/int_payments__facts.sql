with payments as (

    {{ looked_up() }}

),

profiles as (

    select * from {{ ref('stg_card_profiles') }}

),

devices as (

    select * from {{ ref('stg_devices') }}

),

tiled as (

    select
        payments.*,
        coalesce(merchant_recent.merchant_txn_count_10m, 0) as merchant_txn_count_10m,
        coalesce(merchant_recent.merchant_txn_count_1h, 0) as merchant_txn_count_1h,
        coalesce(merchant_day.merchant_txn_count_24h, 0) as merchant_txn_count_24h,
        {{ ratio('merchant_recent.merchant_amount_sum_10m', 'merchant_recent.merchant_txn_count_10m') }}
            as merchant_amount_avg_10m,
        {{ ratio('merchant_recent.merchant_amount_sum_1h', 'merchant_recent.merchant_txn_count_1h') }}
            as merchant_amount_avg_1h,
        {{ ratio('merchant_day.merchant_amount_sum_24h', 'merchant_day.merchant_txn_count_24h') }}
            as merchant_amount_avg_24h,
        {{ ratio('merchant_recent.merchant_decline_count_10m', 'merchant_recent.merchant_txn_count_10m') }}
            as merchant_decline_rate_10m,
        {{ ratio('merchant_recent.merchant_decline_count_1h', 'merchant_recent.merchant_txn_count_1h') }}
            as merchant_decline_rate_1h,
        {{ ratio('merchant_day.merchant_decline_count_24h', 'merchant_day.merchant_txn_count_24h') }}
            as merchant_decline_rate_24h,
        {{ ratio('merchant_month.merchant_fraud_count_30d', 'merchant_month.merchant_txn_count_30d') }}
            as merchant_fraud_rate_30d,
        coalesce(bin_recent.bin_txn_count_10m, 0) as bin_txn_count_10m,
        coalesce(bin_recent.bin_txn_count_1h, 0) as bin_txn_count_1h,
        coalesce(bin_day.bin_txn_count_24h, 0) as bin_txn_count_24h,
        {{ ratio('bin_recent.bin_amount_sum_10m', 'bin_recent.bin_txn_count_10m') }} as bin_amount_avg_10m,
        {{ ratio('bin_recent.bin_amount_sum_1h', 'bin_recent.bin_txn_count_1h') }} as bin_amount_avg_1h,
        {{ ratio('bin_day.bin_amount_sum_24h', 'bin_day.bin_txn_count_24h') }} as bin_amount_avg_24h,
        {{ ratio('bin_recent.bin_decline_count_10m', 'bin_recent.bin_txn_count_10m') }} as bin_decline_rate_10m,
        {{ ratio('bin_recent.bin_decline_count_1h', 'bin_recent.bin_txn_count_1h') }} as bin_decline_rate_1h,
        {{ ratio('bin_day.bin_decline_count_24h', 'bin_day.bin_txn_count_24h') }} as bin_decline_rate_24h,
        coalesce(ip_recent.ip_txn_count_10m, 0) as ip_txn_count_10m,
        coalesce(ip_recent.ip_txn_count_1h, 0) as ip_txn_count_1h,
        coalesce(ip_day.ip_txn_count_24h, 0) as ip_txn_count_24h,
        coalesce(ip_cards_recent.ip_card_count_1h, 0) as ip_card_count_1h,
        coalesce(ip_cards_day.ip_card_count_24h, 0) as ip_card_count_24h,
        {{ ratio('ip_recent.ip_decline_count_1h', 'ip_recent.ip_txn_count_1h') }} as ip_decline_rate_1h,
        {{ ratio('ip_month.ip_fraud_count_30d', 'ip_month.ip_txn_count_30d') }} as ip_fraud_rate_30d
    from payments
    {{ look_up('payments', 'merchant_id', [
        (ref('int_merchant_recent'), 'merchant_recent', 'minute'),
        (ref('int_merchant_day'), 'merchant_day', 'hour'),
        (ref('int_merchant_month'), 'merchant_month', 'day'),
    ]) }}
    {{ look_up('payments', 'bin', [
        (ref('int_bin_recent'), 'bin_recent', 'minute'),
        (ref('int_bin_day'), 'bin_day', 'hour'),
    ]) }}
    {{ look_up('payments', 'ip', [
        (ref('int_ip_recent'), 'ip_recent', 'minute'),
        (ref('int_ip_day'), 'ip_day', 'hour'),
        (ref('int_ip_cards_recent'), 'ip_cards_recent', 'minute'),
        (ref('int_ip_cards_day'), 'ip_cards_day', 'hour'),
        (ref('int_ip_month'), 'ip_month', 'day'),
    ]) }}

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
        {{ milliseconds_between('profiles.opened_at', 'tiled.event_ts') }} / 86400000.0::double precision
            as profile_tenure_days
    from tiled
    {{ as_of_join('tiled', 'profiles', 'profiles', 'card_id') }}

)

select
    profiled.*,
    devices.device_type,
    devices.os as device_os,
    devices.is_emulator as device_is_emulator,
    devices.is_rooted as device_is_rooted,
    {{ milliseconds_between('devices.first_seen_at', 'profiled.event_ts') }} / 86400000.0::double precision
        as device_age_days
from profiled
{{ as_of_join('profiled', 'devices', 'devices', 'device_id') }}
