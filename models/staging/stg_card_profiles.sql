{{ config(materialized = staged_kind()) }}

select
    card_id,
    valid_from,
    segment,
    risk_class,
    status,
    opened_at,
    product,
    home_country,
    home_latitude,
    home_longitude,
    single_limit_minor,
    daily_limit_minor,
    mean_amount_minor,
    std_amount_minor,
    mean_daily_count,
    usual_radius_km,
    travels_abroad
from {{ landed(ref('card_profiles'), 'card_profile') }}
