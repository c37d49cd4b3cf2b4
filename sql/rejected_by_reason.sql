-- What could not be used, by reason with the values taken out, and where to look for one of each.
select
    regexp_replace(reject_reason, '["''][^"'']*["'']', '…', 'g') as reason,
    count(*) as rows_rejected,
    min(received_at) as first_received,
    max(received_at) as last_received,
    arg_min(source, source_offset) as example_source,
    min(source_offset) as example_offset,
    -- As the text it is, or with the bytes that are no UTF-8 as \xNN.
    left(arg_min(coalesce(try(decode(raw)), cast(raw as varchar)), source_offset), 80) as example
from rejected_events
group by reason
order by rows_rejected desc, reason asc;
