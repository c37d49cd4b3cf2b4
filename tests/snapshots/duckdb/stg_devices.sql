select
    device_id,
    valid_from,
    device_type,
    os,
    is_emulator,
    is_rooted,
    first_seen_at
from __dbt__cte__devices
