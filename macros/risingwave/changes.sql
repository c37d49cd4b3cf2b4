{#
What each decision but an event's first was made upon anew: the features whose values differ from those that the decision
it supersedes stood on (RisingWave only). log: of the decisions; known: of what they stand on. Read from the tables, since
a view is replaced with its features.
#}
{% macro changes(log, known) -%}
{%- set features = [] -%}
{%- if execute -%}
    {%- for column in graph.nodes['model.riskwave.decision_input'].columns.values() -%}
        {%- set meta = column.get('config', {}).get('meta') or column.get('meta') or {} -%}
        {%- if meta.get('feature') -%}{%- do features.append(column.name) -%}{%- endif -%}
    {%- endfor -%}
{%- endif -%}
with decided as (
    select
        known.*,
        row_number() over (partition by said.event_id order by said.seen_at, said.revision) as version
    from {{ log }} as said
    inner join
        {{ known }} as known
        on said.event_id = known.event_id and said.revision = known.revision and said.seen_at = known.seen_at
)

select
    now.event_id,
    now.version,
    before.version as supersedes,
    array_remove(array[
        {%- for name in features %}
        case when now.{{ name }} is distinct from before.{{ name }} then '{{ name }}' end{{ "," if not loop.last }}
        {%- endfor %}
    ], null::varchar) as changed
from decided as now
inner join decided as before on now.event_id = before.event_id and now.version = before.version + 1
{%- endmacro %}
