{{ config(materialized = 'kept', unique_key = ['ruleset'], governed_by = 'decisions__feed') }}

select
    'card' as ruleset,
    {% for name, kind, value in ruleset_thresholds() %}cast({{ value }} as {{ kind }}) as {{ name }},
    {% endfor -%}
    cast(1 as bigint) as control_version
