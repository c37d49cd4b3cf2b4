{#
Keeps every revision of a query whose rows change (RisingWave only). A model `known` becomes:

    known__now   materialized view: the query's rows as they are now, one an event
    known        append-only table: each row as it was first and as it became; `revision` orders them, `seen_at` dates
                 them, `known_by` is the feed that wrote it
    known__feed  sink: from the changes of the one into the other

Changes are numbered where the view's rows live, so an event's revisions are in order even within one barrier.
Nothing here is ever dropped, not by --full-refresh either: what was known is what decisions stand on. A view of other
SQL is put in the place of this one by `riskwave deploy`.
#}
{% materialization revisions, adapter='risingwave' %}
    {%- set log = part_of_model('', 'table') -%}
    {%- set now = part_of_model('__now', 'materialized_view') -%}
    {%- set feed = part_of_model('__feed', 'sink') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {#- Joins stay in the order they are written in: what is narrow is joined before it meets the events. -#}
    {%- call statement('keep_order') -%}set enable_join_ordering = false{%- endcall -%}
    {%- do create_missing(now, risingwave__create_materialized_view_as(now, sql)) -%}
    {%- call statement('any_order') -%}set enable_join_ordering = default{%- endcall -%}
    {%- set names = adapter.get_columns_in_relation(now) | map(attribute='name') | join(', ') -%}
    {% call statement('main') -%}
        create table if not exists {{ log }} (
            {{ log_columns(now) }},
            revision bigint,
            known_by varchar,
            seen_at timestamptz as proctime()
        ) append only {{ kept_for() }}
    {%- endcall %}
    {#- Of an earlier Riskwave. -#}
    {%- if 'known_by' not in adapter.get_columns_in_relation(log) | map(attribute='name') -%}
        {%- call statement('known_by') -%}alter table {{ log }} add column known_by varchar{%- endcall -%}
    {%- endif -%}
    {%- do create_feeds_in_force() -%}
    {%- if risingwave__get_relation_without_caching(feed) is none -%}
        {%- set known_by = 'now.' ~ relation_id(now.identifier) -%}
        {%- call statement('in_force') -%}
            update {{ feeds_in_force() }} set known_by = '{{ known_by }}' where ruleset = 'card'
        {%- endcall -%}
        {%- call statement('feed') -%}
            create sink {{ feed }} into {{ log }} ({{ names }}, revision, known_by) as
            with changes as changelog from {{ now }}
            select {{ names }}, _changelog_row_id::bigint as revision, '{{ known_by }}' as known_by
            from changes
            -- rows that came (1) and rows that replaced another (3), not those that went
            where changelog_op in (1, 3)
            with (type = 'append-only')
        {%- endcall -%}
    {%- endif -%}
    {%- do create_indexes(log) -%}

    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ run_hooks(post_hooks, inside_transaction=True) }}

    {{ return({'relations': [log]}) }}
{% endmaterialization %}
