{# Payments, their amount and their declines, by key and minute, hour or day. #}
{% macro activity_tiles(key, unit) -%}
select
    {{ key }},
    date_trunc('{{ unit }}', event_ts) as tile,
    count(*) as txn_count,
    sum(billing_amount_minor)::bigint as amount_sum,
    sum(case when is_declined then 1 else 0 end)::bigint as decline_count
from {{ ref('stg_payments') }}
where {{ key }} is not null
group by {{ key }}, date_trunc('{{ unit }}', event_ts)
{%- endmacro %}
