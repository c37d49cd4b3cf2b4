{{ config(materialized = 'view') }}

with decided as (

    {{ decided_on(ref('decision_input'), said(ref('decisions'))) }}

),

compared as (

    select
        later.event_id,
        later.version,
        earlier.version as supersedes,
        {{ features_that_differ('earlier', 'later') }} as names
    from decided as later
    inner join decided as earlier on later.event_id = earlier.event_id and later.version = earlier.version + 1

)

select
    event_id,
    version,
    supersedes,
    {{ without_nulls('names') }} as changed
from compared
