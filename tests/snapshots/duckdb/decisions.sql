with known as (

    select * from "memory"."main"."decision_input"

),

judged as (

    select
        *,
        -- The starter ruleset. NULL is "not known", which is never a reason.
        card_txn_count_10m >= 6 and card_amount_sum_10m >= 20000 as card_velocity,
        card_decline_count_10m >= 3 and card_txn_count_10m >= 4 and billing_amount_minor < 2000 as card_testing,
        card_events_30m ~ '(d{2,}|[sv]{3,})[sv]*[ml]*l$' as probe_then_drain,
        card_kmh_from_last > 1000 and card_km_from_last > 500 and channel = 'card_present' as impossible_travel,
        card_txn_count_30d >= 8 and card_amount_zscore_30d > 6 and billing_amount_minor >= 50000
            as amount_far_above_usual,
        card_is_abroad and card_country_first_30d and not profile_travels_abroad and billing_amount_minor >= 50000
            as abroad_first_large,
        card_device_first_30d and card_txn_count_1h >= 3 and card_merchant_count_24h >= 3
        and card_amount_sum_1h >= 50000
            as new_device_spree,
        device_card_count_24h >= 6 as device_shared_by_cards,
        ip_card_count_1h >= 5 and ip_decline_rate_1h >= 0.4 as ip_shared_with_declines,
        (device_is_emulator or device_is_rooted) and card_device_first_30d and billing_amount_minor >= 10000
            as emulated_device,
        entry_mode = 'magstripe' and card_is_abroad and card_merchant_first_30d and card_txn_count_24h >= 2
            as counterfeit_magstripe,
        transaction_type = 'cash_withdrawal' and card_decline_count_1h >= 2 and billing_amount_minor >= 10000
            as cash_after_declines,
        card_events_30m ~ 'r.*r.*r$' as refunds_in_a_row,
        merchant_fraud_rate_30d >= 0.05 and card_merchant_first_30d and billing_amount_minor >= 20000
            as merchant_with_frauds,
        profile_daily_limit_minor > 0 and card_amount_sum_24h > profile_daily_limit_minor
        and billing_amount_minor >= 20000
            as daily_limit_spent
    from known

),

explained as (

    select
        *,
        coalesce(probe_then_drain or card_testing or impossible_travel or emulated_device, false) as is_blocked,
        coalesce(
            card_velocity or abroad_first_large or new_device_spree or amount_far_above_usual or cash_after_declines
            or counterfeit_magstripe,
            false
        ) as is_challenged,
        coalesce(
            device_shared_by_cards or ip_shared_with_declines or refunds_in_a_row or merchant_with_frauds
            or daily_limit_spent,
            false
        ) as is_reviewed
    from judged

)

select
    event_id,
    event_ts,
    card_id,
    case
        when is_blocked then 'block'
        when is_challenged then 'challenge'
        when is_reviewed then 'review'
        else 'allow'
    end as action,
    is_blocked or is_challenged or is_reviewed as is_anomaly,
    cast(null as double precision) as model_score,
    cast(null as varchar) as model_version,
    list_filter([case when card_testing then 'card_testing' end, case when probe_then_drain then 'probe_then_drain' end, case when impossible_travel then 'impossible_travel' end, case when emulated_device then 'emulated_device' end, case when card_velocity then 'card_velocity' end, case when amount_far_above_usual then 'amount_far_above_usual' end, case when abroad_first_large then 'abroad_first_large' end, case when new_device_spree then 'new_device_spree' end, case when counterfeit_magstripe then 'counterfeit_magstripe' end, case when cash_after_declines then 'cash_after_declines' end, case when device_shared_by_cards then 'device_shared_by_cards' end, case when ip_shared_with_declines then 'ip_shared_with_declines' end, case when refunds_in_a_row then 'refunds_in_a_row' end, case when merchant_with_frauds then 'merchant_with_frauds' end, case when daily_limit_spent then 'daily_limit_spent' end]::varchar[], lambda item: item is not null) as rule_ids,
    list_filter([case when card_testing then card_decline_count_10m::varchar || ' declines on this card in 10 minutes, now a small amount' end, case when probe_then_drain then 'probing payments followed by a large one on this card (' || card_events_30m || ')' end, case when impossible_travel then (floor(card_km_from_last + 0.5)::bigint)::varchar || ' km from the last payment, at ' || (floor(card_kmh_from_last + 0.5)::bigint)::varchar || ' km/h' end, case when emulated_device then 'new device that is emulated or rooted' end, case when card_velocity then card_txn_count_10m::varchar || ' payments of ' || ((card_amount_sum_10m // 100)::varchar || '.' || lpad((card_amount_sum_10m % 100)::varchar, 2, '0')) || ' in all on this card in 10 minutes' end, case when amount_far_above_usual then 'amount ' || (floor(card_amount_zscore_30d + 0.5)::bigint)::varchar || ' standard deviations above this card''s other payments in 30 days' end, case when abroad_first_large then 'first payment in ' || merchant_country || ' in 30 days, and a large one, by a customer who does not travel' end, case when new_device_spree then 'new device, ' || card_txn_count_1h::varchar || ' payments in an hour' end, case when counterfeit_magstripe then 'magnetic stripe abroad at a merchant new to this card' end, case when cash_after_declines then 'cash after ' || card_decline_count_1h::varchar || ' declines in an hour' end, case when device_shared_by_cards then device_card_count_24h::varchar || ' cards on this device in 24 hours' end, case when ip_shared_with_declines then ip_card_count_1h::varchar || ' cards on this ip in an hour, many declined' end, case when refunds_in_a_row then 'three or more refunds in 30 minutes' end, case when merchant_with_frauds then 'merchant with confirmed frauds in the last 30 days' end, case when daily_limit_spent then ((card_amount_sum_24h // 100)::varchar || '.' || lpad((card_amount_sum_24h % 100)::varchar, 2, '0')) || ' spent in 24 hours, above the daily limit' end]::varchar[], lambda item: item is not null) as reasons,
    case
        when is_blocked then 'P0'
        when is_challenged then 'P1'
        when is_reviewed then 'P2'
    end as severity,
    'starter-1' as ruleset_revision,
    source,
    source_partition,
    source_offset
from explained
