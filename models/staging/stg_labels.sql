select
    event_id,
    verdict,
    arrived_at,
    source,
    episode_id,
    scenario
from {{ ref('labels') }}
