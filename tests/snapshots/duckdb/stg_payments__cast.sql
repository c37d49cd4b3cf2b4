with received as (

    select * from __dbt__cte__payments

),

fields as (

    select
        raw,
        decode_error,
        source,
        source_partition,
        source_offset,
        received_at,
        nullif(trim(event_id, ' '), '') as event_id,
        nullif(trim(event_ts, ' '), '') as event_ts_text,
        nullif(trim(transmitted_ts, ' '), '') as transmitted_ts_text,
        nullif(trim(local_ts, ' '), '') as local_ts_text,
        nullif(trim(message_type, ' '), '') as message_type,
        nullif(trim(transaction_type, ' '), '') as transaction_type,
        nullif(trim(channel, ' '), '') as channel,
        nullif(trim(card_id, ' '), '') as card_id,
        nullif(trim(account_id, ' '), '') as account_id,
        nullif(trim(customer_id, ' '), '') as customer_id,
        nullif(trim(bin, ' '), '') as bin,
        nullif(trim(card_scheme, ' '), '') as card_scheme,
        nullif(trim(card_expiry, ' '), '') as card_expiry,
        nullif(trim(amount_minor, ' '), '') as amount_minor_text,
        nullif(trim(currency, ' '), '') as currency,
        nullif(trim(billing_amount_minor, ' '), '') as billing_amount_minor_text,
        nullif(trim(billing_currency, ' '), '') as billing_currency,
        nullif(trim(entry_mode, ' '), '') as entry_mode,
        nullif(trim(cardholder_verification, ' '), '') as cardholder_verification,
        nullif(trim(cvv_result, ' '), '') as cvv_result,
        nullif(trim(avs_result, ' '), '') as avs_result,
        nullif(trim(mcc, ' '), '') as mcc,
        nullif(trim(merchant_id, ' '), '') as merchant_id,
        nullif(trim(merchant_name, ' '), '') as merchant_name_text,
        nullif(trim(merchant_city, ' '), '') as merchant_city_text,
        nullif(trim(merchant_country, ' '), '') as merchant_country,
        nullif(trim(terminal_id, ' '), '') as terminal_id,
        nullif(trim(acquirer_id, ' '), '') as acquirer_id,
        nullif(trim(acquirer_country, ' '), '') as acquirer_country,
        nullif(trim(latitude, ' '), '') as latitude_text,
        nullif(trim(longitude, ' '), '') as longitude_text,
        nullif(trim(ip, ' '), '') as ip,
        nullif(trim(device_id, ' '), '') as device_id,
        nullif(trim(wallet, ' '), '') as wallet,
        nullif(trim(response_code, ' '), '') as response_code,
        nullif(trim(three_ds_status, ' '), '') as three_ds_status,
        nullif(trim(three_ds_eci, ' '), '') as three_ds_eci,
        nullif(trim(is_recurring, ' '), '') as is_recurring_text,
        nullif(trim(original_event_id, ' '), '') as original_event_id
    from received

),

typed as (

    select
        *,
        case
    when
        regexp_full_match(
            event_ts_text,
            '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?'
        )
        then try_cast(event_ts_text as timestamptz) at time zone 'UTC'
end as event_ts,
        case
    when
        regexp_full_match(
            transmitted_ts_text,
            '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?'
        )
        then try_cast(transmitted_ts_text as timestamptz) at time zone 'UTC'
end as transmitted_ts_given,
        case
    when
        regexp_full_match(
            local_ts_text,
            '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?'
        )
        then try_cast(local_ts_text as timestamptz) at time zone 'UTC'
end as local_ts,
        case
    when regexp_full_match(amount_minor_text, '[+-]?[0-9]{1,18}([.]0{0,30})?')
        then try_cast(split_part(amount_minor_text, '.', 1) as bigint)
end as amount_minor,
        case
    when regexp_full_match(billing_amount_minor_text, '[+-]?[0-9]{1,18}([.]0{0,30})?')
        then try_cast(split_part(billing_amount_minor_text, '.', 1) as bigint)
end as billing_amount_minor_given,
        case
    when regexp_full_match(latitude_text, '[+-]?[0-9]{1,15}([.][0-9]{0,30})?([eE][+-]?[0-9]{1,2})?')
        then try_cast(latitude_text as double)
end as latitude_given,
        case
    when regexp_full_match(longitude_text, '[+-]?[0-9]{1,15}([.][0-9]{0,30})?([eE][+-]?[0-9]{1,2})?')
        then try_cast(longitude_text as double)
end as longitude_given,
        case
    when lower(is_recurring_text) in ('true', 't', '1', 'yes') then true
    when lower(is_recurring_text) in ('false', 'f', '0', 'no') then false
end as is_recurring,
        case
            when merchant_name_text ~ '[0-9][0-9 -]{10}[0-9]'
                then
                    list_aggregate(
    list_transform(
        string_split(regexp_replace(
            merchant_name_text,
            '([0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{5}|[0-9]{12,})',
            chr(57344) || '\1' || chr(57344), 'g'
        ), chr(57344)),
        lambda part: case
            when part !~ '^[0-9][0-9 -]{10,17}[0-9]$' then part
            when (substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 1, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 2, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 3, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 4, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 5, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 6, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 7, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 8, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 9, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 10, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 11, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 12, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 13, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 14, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 15, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 16, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 17, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 18, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 19, 1)::integer) % 10 = 0
                then regexp_replace(left(part, length(part) - 4), '[0-9]', '*', 'g') || right(part, 4)
            else part
        end
    ),
    'string_agg', ''
)
            else merchant_name_text
        end as merchant_name,
        case
            when merchant_city_text ~ '[0-9][0-9 -]{10}[0-9]'
                then
                    list_aggregate(
    list_transform(
        string_split(regexp_replace(
            merchant_city_text,
            '([0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{5}|[0-9]{12,})',
            chr(57344) || '\1' || chr(57344), 'g'
        ), chr(57344)),
        lambda part: case
            when part !~ '^[0-9][0-9 -]{10,17}[0-9]$' then part
            when (substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 1, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 2, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 3, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 4, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 5, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 6, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 7, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 8, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 9, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 10, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 11, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 12, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 13, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 14, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 15, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 16, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 17, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 18, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 19, 1)::integer) % 10 = 0
                then regexp_replace(left(part, length(part) - 4), '[0-9]', '*', 'g') || right(part, 4)
            else part
        end
    ),
    'string_agg', ''
)
            else merchant_city_text
        end as merchant_city
    from fields

),

judged as (

    select
        *,
        case
            when decode_error is not null then decode_error
            when event_id is null then 'event_id: missing'
            when card_id is null then 'card_id: missing'
            when card_id ~ '^[0-9]{12,19}$' then 'card_id: looks like a card number, expected a token'
            when event_ts_text is null then 'event_ts: missing'
            when event_ts is null then 'event_ts: ' || '"' || case
                        when length(event_ts_text) > 40 then regexp_replace(left(event_ts_text, 40), '[0-9]+$', '')
                        else event_ts_text
                    end || '"' || ' is not an ISO 8601 time'
            when event_ts < timestamp '2000-01-01'
                then 'event_ts: ' || '"' || case
                        when length(event_ts_text) > 40 then regexp_replace(left(event_ts_text, 40), '[0-9]+$', '')
                        else event_ts_text
                    end || '"' || ' is before 2000'
            when event_ts > received_at + interval '24 hours'
                then 'event_ts: ' || '"' || case
                        when length(event_ts_text) > 40 then regexp_replace(left(event_ts_text, 40), '[0-9]+$', '')
                        else event_ts_text
                    end || '"' || ' is more than a day after it was received'
            when amount_minor_text is null then 'amount_minor: missing'
            when amount_minor is null
                then 'amount_minor: ' || '"' || case
                        when length(amount_minor_text) > 40 then regexp_replace(left(amount_minor_text, 40), '[0-9]+$', '')
                        else amount_minor_text
                    end || '"' || ' is not a whole number of minor units'
            when amount_minor < 0 or amount_minor > 1000000000000
                then 'amount_minor: ' || '"' || case
                        when length(amount_minor_text) > 40 then regexp_replace(left(amount_minor_text, 40), '[0-9]+$', '')
                        else amount_minor_text
                    end || '"' || ' is not between 0 and 1000000000000'
            when currency is null then 'currency: missing'
            when
                billing_amount_minor_text is not null
                and (
                    billing_amount_minor_given is null
                    or billing_amount_minor_given < 0
                    or billing_amount_minor_given > 1000000000000
                )
                then
                    'billing_amount_minor: ' || '"' || case
                        when length(billing_amount_minor_text) > 40 then regexp_replace(left(billing_amount_minor_text, 40), '[0-9]+$', '')
                        else billing_amount_minor_text
                    end || '"'
                    || ' is not a whole number between 0 and 1000000000000'
            when latitude_text is not null and (latitude_given is null or latitude_given not between -90 and 90)
                then 'latitude: ' || '"' || case
                        when length(latitude_text) > 40 then regexp_replace(left(latitude_text, 40), '[0-9]+$', '')
                        else latitude_text
                    end || '"' || ' is not between -90 and 90 degrees'
            when longitude_text is not null and (longitude_given is null or longitude_given not between -180 and 180)
                then 'longitude: ' || '"' || case
                        when length(longitude_text) > 40 then regexp_replace(left(longitude_text, 40), '[0-9]+$', '')
                        else longitude_text
                    end || '"' || ' is not between -180 and 180 degrees'
        end as reject_reason
    from typed

)

select
    *,
    -- At most a day later, so that how long history is kept has a bound.
    case
        when transmitted_ts_given > event_ts then least(transmitted_ts_given, event_ts + interval '24 hours')
    end as transmitted_ts,
    coalesce(billing_amount_minor_given, amount_minor) as billing_amount_minor,
    case when longitude_given is not null then latitude_given end as latitude,
    case when latitude_given is not null then longitude_given end as longitude,
    -- An ip address's place is where a network is registered: the card has not travelled there.
    latitude_given is not null
    and longitude_given is not null
    and coalesce(channel, 'card_present') in ('card_present', 'cash') as has_place,
    response_code is not null and response_code not in ('00', '08', '10', '11', '85') as is_declined,
    cast(extract(hour from coalesce(local_ts, event_ts)) as integer) as local_hour
from judged
