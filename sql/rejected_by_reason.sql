-- What could not be used, by reason with the values taken out, and where to look for one of each.
select
    regexp_replace(reject_reason, '["''][^"'']*["'']', '…', 'g') as reason,
    count(*) as rows_rejected,
    min(received_at) as first_received,
    max(received_at) as last_received,
    arg_min(source, source_offset) as example_source,
    min(source_offset) as example_offset,
    left(cast(arg_min(raw, source_offset) as varchar), 80) as example
from rejected_events
group by reason
order by rows_rejected desc, reason asc;
