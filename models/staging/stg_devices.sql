{{ config(materialized = staged_kind()) }}

select
    device_id,
    valid_from,
    device_type,
    os,
    is_emulator,
    is_rooted,
    first_seen_at
from {{ landed(ref('devices'), 'device') }}
