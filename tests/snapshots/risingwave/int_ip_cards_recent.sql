with awaited as (

    with complete as (

        select
            ip,
            date_trunc('day', tile) as span,
            date_trunc('day', tile + interval '60 minute') as next_span,
            tile as serves,
            false as is_awaited,
            card_id::varchar
        from "dev"."public"."int_ip_card_minutes"
        where tile < (select max(date_trunc('minute', last_counted_ts)) from "dev"."public"."int_payments__span")

    )

    select
        ip,
        span,
        serves,
        is_awaited,
        card_id
    from complete
    union all
    select
        ip,
        next_span as span,
        serves,
        is_awaited,
        card_id
    from complete
    where next_span <> span
    union all
    select
        ip,
        date_trunc('day', serves) as span,
        serves,
        true as is_awaited,
        null::varchar as card_id
    from (
        select distinct on (ip, serves) *
        from (
            select
                coalesce(ip, chr(1) || to_char(coalesce(transmitted_ts, event_ts), 'YYYYMMDDHH24') || (source_offset % 64)::varchar) as ip,
                date_trunc('minute', coalesce(transmitted_ts, event_ts)) as serves
            from "dev"."public"."stg_payments"
        ) as looked_up
    ) as firsts

),

windowed as (

    select
        *,
        coalesce(array_length(array_remove(array_distinct(array_agg(card_id) over before), null)), 0)::bigint as ip_card_count_1h
    from awaited
    window before as (partition by ip, span order by serves range between interval '60 minute' preceding and interval '1 minute' preceding)

)

select
    ip,
    serves,
    ip_card_count_1h
from windowed
where is_awaited
