with entries as (

    select * from "dev"."public"."list_entries"

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
        case
        when address ~ '^[0-9]{1,3}([.][0-9]{1,3}){3}$'
            then
                case
                    when greatest(cast(split_part(address, '.', 1) as bigint), cast(split_part(address, '.', 2) as bigint), cast(split_part(address, '.', 3) as bigint), cast(split_part(address, '.', 4) as bigint)) <= 255
                        then cast(split_part(address, '.', 1) as bigint) * 16777216 + cast(split_part(address, '.', 2) as bigint) * 65536 + cast(split_part(address, '.', 3) as bigint) * 256 + cast(split_part(address, '.', 4) as bigint) * 1
                end
    end as number,
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
