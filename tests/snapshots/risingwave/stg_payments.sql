with accepted as (

    select
        event_id,
        event_ts,
        transmitted_ts,
        local_ts,
        local_hour,
        message_type,
        transaction_type,
        channel,
        card_id,
        account_id,
        customer_id,
        bin,
        card_scheme,
        card_expiry,
        amount_minor,
        currency,
        billing_amount_minor,
        billing_currency,
        entry_mode,
        cardholder_verification,
        cvv_result,
        avs_result,
        mcc,
        merchant_id,
        merchant_name,
        merchant_city,
        merchant_country,
        terminal_id,
        acquirer_id,
        acquirer_country,
        latitude,
        longitude,
        has_place,
        ip,
        device_id,
        wallet,
        response_code,
        is_declined,
        three_ds_status,
        three_ds_eci,
        is_recurring,
        original_event_id,
        -- One letter an event, so that a sequence of events is a text and a pattern over it a regular expression.
        case
            when is_declined then 'd'
            when transaction_type = 'refund' or message_type = '0400' then 'r'
            when transaction_type = 'account_verification' or billing_amount_minor = 0 then 'v'
            when transaction_type = 'cash_withdrawal' then 'c'
            when billing_amount_minor < 2000 then 's'
            when billing_amount_minor < 50000 then 'm'
            else 'l'
        end as event_code,
        source,
        source_partition,
        source_offset,
        received_at
    from __dbt__cte__stg_payments__cast
    where reject_reason is null

)

select distinct on (event_id) * from accepted
