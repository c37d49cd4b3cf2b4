{#
Said before what reads a relation is made (RisingWave only). By default such a view is filled from a snapshot, apart from
the stream, and writes down with every barrier for ever, for each of a relation's 256 parts, how far it has read: most of
what a deployment costs that has nothing to do (docs/decisions/0032-lists-not-windows.md).
#}
{% macro filled_at_once() -%}set streaming_use_snapshot_backfill = false;{%- endmacro %}
