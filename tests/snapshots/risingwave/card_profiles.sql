create source "dev"."public"."card_profiles" (payload bytea)
include partition as kafka_partition
include offset as kafka_offset
include timestamp as kafka_timestamp
with (
    connector = 'kafka',
    properties.bootstrap.server = 'kafka:9092',
    topic = 'card_profiles',
    scan.startup.mode = 'earliest'
) format plain encode bytes
