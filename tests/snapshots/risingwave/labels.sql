create source "dev"."public"."labels" (payload bytea)
include partition as kafka_partition
include offset as kafka_offset
include timestamp as kafka_timestamp
with (
    connector = 'kafka',
    properties.bootstrap.server = 'kafka:9092',
    topic = 'labels',
    scan.startup.mode = 'earliest'
) format plain encode bytes
