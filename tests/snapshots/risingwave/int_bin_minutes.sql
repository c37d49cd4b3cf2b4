select
    bin,
    date_trunc('minute', coalesce(transmitted_ts, event_ts)) as tile,
    count(*) as txn_count,
    sum(billing_amount_minor)::bigint as amount_sum,
    sum(case when is_declined then 1 else 0 end)::bigint as decline_count
from "dev"."public"."stg_payments"
where bin is not null
group by bin, date_trunc('minute', coalesce(transmitted_ts, event_ts))
