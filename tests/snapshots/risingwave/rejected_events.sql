select
    source,
    source_partition,
    source_offset,
    received_at,
    case
            when event_id ~ '[0-9][0-9 -]{10}[0-9]'
                then
                    array_to_string(
    array_transform(
        string_to_array(regexp_replace(
            event_id,
            '([0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{5}|[0-9]{12,})',
            chr(57344) || '\1' || chr(57344), 'g'
        ), chr(57344)),
        |part| case
            when part !~ '^[0-9][0-9 -]{10,17}[0-9]$' then part
            when (substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 1, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 2, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 3, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 4, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 5, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 6, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 7, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 8, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 9, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 10, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 11, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 12, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 13, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 14, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 15, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 16, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 17, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 18, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 19, 1)::integer) % 10 = 0
                then regexp_replace(left(part, length(part) - 4), '[0-9]', '*', 'g') || right(part, 4)
            else part
        end
    ),
    ''
)
            else event_id
        end as event_id,
    case
            when reject_reason ~ '[0-9][0-9 -]{10}[0-9]'
                then
                    array_to_string(
    array_transform(
        string_to_array(regexp_replace(
            reject_reason,
            '([0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{5}|[0-9]{12,})',
            chr(57344) || '\1' || chr(57344), 'g'
        ), chr(57344)),
        |part| case
            when part !~ '^[0-9][0-9 -]{10,17}[0-9]$' then part
            when (substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 1, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 2, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 3, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 4, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 5, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 6, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 7, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 8, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 9, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 10, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 11, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 12, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 13, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 14, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 15, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 16, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 17, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 18, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 19, 1)::integer) % 10 = 0
                then regexp_replace(left(part, length(part) - 4), '[0-9]', '*', 'g') || right(part, 4)
            else part
        end
    ),
    ''
)
            else reject_reason
        end as reject_reason,
    decode(
        array_to_string(
    array_transform(
        string_to_array(regexp_replace(
            replace(
                regexp_replace(encode(raw, 'escape'), '(\\\\|\\[0-7]{3})', '\1' || chr(57344), 'g'),
                coalesce(case when card_id ~ '^[0-9]{12,19}$' then card_id end, chr(57344)),
                coalesce(repeat('*', length(case when card_id ~ '^[0-9]{12,19}$' then card_id end) - 4) || right(case when card_id ~ '^[0-9]{12,19}$' then card_id end, 4), chr(57344))
            ),
            '([0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{5}|[0-9]{12,})',
            chr(57344) || '\1' || chr(57344), 'g'
        ), chr(57344)),
        |part| case
            when part !~ '^[0-9][0-9 -]{10,17}[0-9]$' then part
            when (substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 1, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 2, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 3, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 4, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 5, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 6, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 7, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 8, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 9, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 10, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 11, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 12, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 13, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 14, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 15, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 16, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 17, 1)::integer + substr(translate(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), '0123456789', '0246813579'), 18, 1)::integer + substr(lpad(regexp_replace(part, '[ -]', '', 'g'), 19, '0'), 19, 1)::integer) % 10 = 0
                then regexp_replace(left(part, length(part) - 4), '[0-9]', '*', 'g') || right(part, 4)
            else part
        end
    ),
    ''
),
        'escape'
    ) as raw
from __dbt__cte__stg_payments__cast
where reject_reason is not null
