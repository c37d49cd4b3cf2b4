-- Empty, to begin with.
select
    cast(null as varchar) as list_name,
    cast(null as varchar) as value,
    cast(null as timestamp) as expires_at,
    cast(null as varchar) as reason,
    cast(null as bigint) as next_version,
    cast(null as timestamp) as next_expires_at
where false
