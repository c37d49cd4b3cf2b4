{#
A Kafka topic (RisingWave only). Messages are read as bytes, so that those that cannot be parsed are there too, with
the position of each. The source is shared: views on it share one reader, and keep nothing of it themselves.
#}
{% macro kafka_source(topic) -%}
create source {{ this }} (payload bytea)
include partition as kafka_partition
include offset as kafka_offset
include timestamp as kafka_timestamp
with (
    connector = 'kafka',
    properties.bootstrap.server = '{{ var("kafka_bootstrap") }}',
    topic = '{{ topic }}',
    scan.startup.mode = 'earliest'
) format plain encode bytes
{%- endmacro %}
