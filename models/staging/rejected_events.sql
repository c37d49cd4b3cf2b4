{{ config(materialized = staged_kind()) }}

select
    source,
    source_partition,
    source_offset,
    received_at,
    {{ masked_where_due('event_id') }} as event_id,
    {{ masked_where_due('reject_reason') }} as reject_reason,
    {{ masked_bytes('raw', card_number('card_id')) }} as raw
from {{ ref('stg_payments__cast') }}
where reject_reason is not null
