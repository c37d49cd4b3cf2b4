{#
A text column of the last select of what is kept revision by revision. RisingWave's joins and windows send updates that
change nothing; a projection in which something is taken out of JSON drops them (`noop_update_hint` in its plan), so the
column goes through JSON and back there.
#}
{% macro only_changes(column) %}{{ return(adapter.dispatch('only_changes', 'riskwave')(column)) }}{% endmacro %}

{% macro default__only_changes(column) %}{{ return(column) }}{% endmacro %}

{% macro risingwave__only_changes(column) %}{{ return("to_jsonb(" ~ column ~ ") #>> '{}' as " ~ column) }}{% endmacro %}
