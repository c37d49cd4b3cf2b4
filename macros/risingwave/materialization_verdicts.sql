{#
Keeps every row that a query over append-only rows says, once, as it was said (RisingWave only). A model `said` becomes:

    said__query  view: the model's query over all rows, with what it looks up as it is now: what would be said today
    said__log    append-only table: its rows; `decided_at` dates them
    said__feed   sink: from the model's query into the table; what it looks up is what is there as a row comes
    said         view of the table: an event's rows in order of their revision as `version` 1, 2, ..., each naming the
                 one it supersedes; the first is the one that acted

Nothing here is ever dropped, not by --full-refresh either: a decision is a fact. Another query takes over by
`riskwave deploy` and by what changes rulesets (riskwave/control): their feed runs beside this one until the row of
`feeds_in_force` names it. Where somebody dropped the feed and the query, a new feed goes on after the last row that the
log has an answer to.
#}
{% materialization verdicts, adapter='risingwave' %}
    {%- set versions = part_of_model('', 'view') -%}
    {%- set query = part_of_model('__query', 'view') -%}
    {%- set log = part_of_model('__log', 'table') -%}
    {%- set feed = part_of_model('__feed', 'sink') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {#- As riskwave/risingwave/rules.py names it: by what it reads that may be made anew. -#}
    {%- set name = [ruleset_structure(), relation_id('int_scored'), relation_id('int_list_blocks')] | join('.') -%}
    {%- set sql = sql | replace('__feed__', name) -%}
    {#- A view is for batches, which have no temporal joins: its joins are plain ones, its columns the same. -#}
    {%- set as_it_is = sql | replace(' for system_time as of proctime()', '') -%}
    {%- do create_feeds_in_force() -%}
    {%- do create_missing(query, risingwave__create_view_as(query, as_it_is)) -%}
    {%- set names = adapter.get_columns_in_relation(query) | map(attribute='name') | join(', ') -%}
    {% call statement('create_log') -%}
        create table if not exists {{ log }} (
            {{ log_columns(query) }},
            decided_at timestamptz as proctime()
        ) append only {{ kept_for() }}
    {%- endcall %}
    {%- set there = adapter.get_columns_in_relation(log) | map(attribute='name') | list -%}
    {%- set later = later_columns() | rejectattr(0, 'in', there) | list -%}
    {%- for column, kind in later -%}
        {%- call statement('column_' ~ column) -%}alter table {{ log }} add column {{ column }} {{ kind }}{%- endcall -%}
    {%- endfor -%}
    {%- if risingwave__get_relation_without_caching(feed) is none -%}
        {%- set answered = run_query("select max(seen_at)::varchar from " ~ log)[0][0] -%}
        {%- call statement('in_force') -%}
            update {{ feeds_in_force() }} set feed = '{{ name }}' where ruleset = 'card'
        {%- endcall -%}
        {%- call statement('feed') -%}
            create sink {{ feed }} into {{ log }} ({{ names }}) as
            select {{ names }} from (
                {{ sql }}
            ) as said
            {% if answered %}where seen_at > '{{ answered }}'::timestamptz{% endif %}
            with (type = 'append-only')
        {%- endcall -%}
    {%- endif -%}
    {%- set numbered -%}
        select
            *,
            nullif(version - 1, 0) as supersedes
        from (
            select
                *,
                row_number() over (partition by event_id order by seen_at, revision) as version
            from {{ log }}
        ) as numbered
    {%- endset -%}
    {#- A view has the columns that its table had when it was made. -#}
    {%- if later and risingwave__get_relation_without_caching(versions) is not none -%}
        {%- set wider = part_of_model('__wider', 'view') -%}
        {%- call statement('no_wider') -%}drop view if exists {{ wider }}{%- endcall -%}
        {%- call statement('wider') -%}create view {{ wider }} as {{ made(numbered) }}{%- endcall -%}
        {%- call statement('swap') -%}alter view {{ versions }} swap with {{ wider }}{%- endcall -%}
        {%- call statement('narrower') -%}drop view {{ wider }}{%- endcall -%}
    {%- endif -%}
    {% call statement('main') -%}{{ risingwave__create_view_as(versions, numbered) }}{%- endcall %}
    {%- do create_indexes(log) -%}

    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ run_hooks(post_hooks, inside_transaction=True) }}

    {{ return({'relations': [versions]}) }}
{% endmaterialization %}
