{{ config(materialized = staged_kind()) }}

select
    event_id,
    verdict,
    arrived_at,
    source,
    episode_id,
    scenario
from {{ landed(ref('labels'), 'label') }}
