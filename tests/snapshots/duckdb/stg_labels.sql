select
    event_id,
    verdict,
    arrived_at,
    source,
    episode_id,
    scenario
from __dbt__cte__labels
