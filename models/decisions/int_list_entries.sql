{{ config(materialized = 'view') }}

with entries as (

    select * from {{ ref('list_entries') }}

),

split as (

    select
        *,
        split_part(value, '/', 1) as address,
        case
            when value ~ '^[0-9.]+/([0-9]|[12][0-9]|3[0-2])$' then cast(split_part(value, '/', 2) as integer)
        end as bits
    from entries

),

numbered as (

    select
        *,
        {{ ipv4_number('address') }} as number,
        -- how many addresses such a network has
        cast(1 as bigint) << (32 - bits) as size
    from split

)

select
    list_name,
    value,
    case when bits is not null then number - number % size end as low,
    case when bits is not null then number - number % size + size - 1 end as high,
    bits,
    expires_at,
    next_version,
    next_expires_at
from numbered
