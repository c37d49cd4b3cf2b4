select
    source,
    source_partition,
    source_offset,
    received_at,
    event_id,
    reject_reason,
    raw
from __dbt__cte__stg_payments__cast
where reject_reason is not null
