with networks as (

    select
        list_name,
        low,
        high,
        expires_at,
        -- The next of four lengths: a network is at most 256 blocks of that length.
        case when bits <= 8 then 8 when bits <= 16 then 16 when bits <= 24 then 24 else 32 end as block_bits
    from "memory"."main"."int_list_entries"
    where low is not null

),

spread as (

    select
        list_name,
        expires_at,
        unnest(generate_series((cast(block_bits as bigint) << 32) + (low >> (32 - block_bits)), (cast(block_bits as bigint) << 32) + (high >> (32 - block_bits)))) as block
    from networks

)

select
    list_name,
    block,
    max(coalesce(expires_at, timestamp '9999-12-31 00:00:00')) as expires_at
from spread
group by list_name, block
