{{ config(materialized = 'ephemeral') }}

with received as (

    {{ received_payments(ref('payments')) }}

),

fields as (

    select
        raw,
        decode_error,
        source,
        source_partition,
        source_offset,
        received_at,
        {{ field('event_id') }} as event_id,
        {{ field('event_ts') }} as event_ts_text,
        {{ field('transmitted_ts') }} as transmitted_ts_text,
        {{ field('local_ts') }} as local_ts_text,
        {{ field('message_type') }} as message_type,
        {{ field('transaction_type') }} as transaction_type,
        {{ field('channel') }} as channel,
        {{ field('card_id') }} as card_id,
        {{ field('account_id') }} as account_id,
        {{ field('customer_id') }} as customer_id,
        {{ field('bin') }} as bin,
        {{ field('card_scheme') }} as card_scheme,
        {{ field('card_expiry') }} as card_expiry,
        {{ field('amount_minor') }} as amount_minor_text,
        {{ field('currency') }} as currency,
        {{ field('billing_amount_minor') }} as billing_amount_minor_text,
        {{ field('billing_currency') }} as billing_currency,
        {{ field('entry_mode') }} as entry_mode,
        {{ field('cardholder_verification') }} as cardholder_verification,
        {{ field('cvv_result') }} as cvv_result,
        {{ field('avs_result') }} as avs_result,
        {{ field('mcc') }} as mcc,
        {{ field('merchant_id') }} as merchant_id,
        {{ field('merchant_name') }} as merchant_name_text,
        {{ field('merchant_city') }} as merchant_city_text,
        {{ field('merchant_country') }} as merchant_country,
        {{ field('terminal_id') }} as terminal_id,
        {{ field('acquirer_id') }} as acquirer_id,
        {{ field('acquirer_country') }} as acquirer_country,
        {{ field('latitude') }} as latitude_text,
        {{ field('longitude') }} as longitude_text,
        {{ field('ip') }} as ip,
        {{ field('device_id') }} as device_id,
        {{ field('wallet') }} as wallet,
        {{ field('response_code') }} as response_code,
        {{ field('three_ds_status') }} as three_ds_status,
        {{ field('three_ds_eci') }} as three_ds_eci,
        {{ field('is_recurring') }} as is_recurring_text,
        {{ field('original_event_id') }} as original_event_id
    from received

),

typed as (

    select
        *,
        {{ try_timestamp('event_ts_text') }} as event_ts,
        {{ try_timestamp('transmitted_ts_text') }} as transmitted_ts_given,
        {{ try_timestamp('local_ts_text') }} as local_ts,
        {{ try_integer('amount_minor_text') }} as amount_minor,
        {{ try_integer('billing_amount_minor_text') }} as billing_amount_minor_given,
        {{ try_double('latitude_text') }} as latitude_given,
        {{ try_double('longitude_text') }} as longitude_given,
        {{ try_boolean('is_recurring_text') }} as is_recurring,
        {{ masked_where_due('merchant_name_text') }} as merchant_name,
        {{ masked_where_due('merchant_city_text') }} as merchant_city
    from fields

),

judged as (

    select
        *,
        {% call worked_out_once() -%}
        case
            when decode_error is not null then decode_error
            when event_id is null then 'event_id: missing'
            when card_id is null then 'card_id: missing'
            when card_id ~ '^[0-9]{12,19}$' then 'card_id: looks like a card number, expected a token'
            when event_ts_text is null then 'event_ts: missing'
            when event_ts is null then 'event_ts: ' || {{ quoted('event_ts_text') }} || ' is not an ISO 8601 time'
            when event_ts < timestamp '2000-01-01'
                then 'event_ts: ' || {{ quoted('event_ts_text') }} || ' is before 2000'
            when event_ts > received_at + interval '24 hours'
                then 'event_ts: ' || {{ quoted('event_ts_text') }} || ' is more than a day after it was received'
            when amount_minor_text is null then 'amount_minor: missing'
            when amount_minor is null
                then 'amount_minor: ' || {{ quoted('amount_minor_text') }} || ' is not a whole number of minor units'
            when amount_minor < 0 or amount_minor > 1000000000000
                then 'amount_minor: ' || {{ quoted('amount_minor_text') }} || ' is not between 0 and 1000000000000'
            when currency is null then 'currency: missing'
            when
                billing_amount_minor_text is not null
                and (
                    billing_amount_minor_given is null
                    or billing_amount_minor_given < 0
                    or billing_amount_minor_given > 1000000000000
                )
                then
                    'billing_amount_minor: ' || {{ quoted('billing_amount_minor_text') }}
                    || ' is not a whole number between 0 and 1000000000000'
            when latitude_text is not null and (latitude_given is null or latitude_given not between -90 and 90)
                then 'latitude: ' || {{ quoted('latitude_text') }} || ' is not between -90 and 90 degrees'
            when longitude_text is not null and (longitude_given is null or longitude_given not between -180 and 180)
                then 'longitude: ' || {{ quoted('longitude_text') }} || ' is not between -180 and 180 degrees'
        end
        {%- endcall %} as reject_reason
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
