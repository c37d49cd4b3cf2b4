-- Values that the contract does not know, which rules cannot name: how many payments have each, and one of them.
with said as (

    unpivot stg_payments
    on channel, transaction_type, entry_mode, cardholder_verification, cvv_result, avs_result, three_ds_status,
    message_type, response_code, mcc, merchant_country, currency, billing_currency
    into name field value value

),

known as (

    select
        event_id,
        event_ts,
        field,
        value,
        case field
            when 'channel' then value in ('card_present', 'ecommerce', 'transfer', 'cash')
            when 'transaction_type'
                then value in ('purchase', 'cash_withdrawal', 'refund', 'transfer', 'account_verification')
            when 'entry_mode'
                then
                    value in
                    ('chip', 'contactless', 'magstripe', 'manual', 'ecommerce', 'credential_on_file')
            when 'cardholder_verification' then value in ('pin', 'signature', 'device', 'none', 'pin_failed')
            when 'cvv_result' then value in ('match', 'no_match', 'not_provided')
            when 'avs_result' then value in ('match', 'partial', 'no_match', 'not_checked')
            when 'three_ds_status' then value in ('Y', 'N', 'A', 'U', 'C', 'R')
            when 'message_type' then regexp_full_match(value, '\d{4}')
            when 'response_code' then regexp_full_match(value, '[0-9A-Z]{2}')
            when 'mcc' then regexp_full_match(value, '\d{4}')
            when 'merchant_country' then regexp_full_match(value, '[A-Z]{2}')
            else regexp_full_match(value, '[A-Z]{3}')
        end as is_known
    from said

)

select
    field,
    value,
    count(*) as payments,
    min(event_ts) as first_event_ts,
    max(event_ts) as last_event_ts,
    arg_max(event_id, event_ts) as example_event_id
from known
where not is_known
group by field, value
order by payments desc, field asc, value asc;
