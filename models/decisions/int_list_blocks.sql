{{ config(materialized = stream_only_kind()) }}

with networks as (

    select
        list_name,
        low,
        high,
        coalesce(expires_at, timestamp '9999-12-31 00:00:00') as expires_at,
        next_version,
        case
            when next_version is null then coalesce(expires_at, timestamp '9999-12-31 00:00:00') else next_expires_at
        end as next_expires_at,
        -- The next of four lengths: a network is at most 256 blocks of that length.
        case when bits <= 8 then 8 when bits <= 16 then 16 when bits <= 24 then 24 else 32 end as block_bits
    from {{ ref('int_list_entries') }}
    where low is not null

),

spread as (

    select
        list_name,
        expires_at,
        next_version,
        next_expires_at,
        {{ each_between(
            '(cast(block_bits as bigint) << 32) + (low >> (32 - block_bits))',
            '(cast(block_bits as bigint) << 32) + (high >> (32 - block_bits))'
        ) }} as block
    from networks

)

select
    list_name,
    block,
    max(expires_at) as expires_at,
    -- What is changed together has one version: the others are as they are now.
    max(next_version) as next_version,
    max(next_expires_at) as next_expires_at
from spread
group by list_name, block
