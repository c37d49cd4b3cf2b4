{#
Payments as received: fields that `field` reads, raw, decode_error, source, source_partition, source_offset, received_at.
DuckDB's sources have decoded them already; RisingWave decodes the bytes here.
#}
{% macro received_payments(relation) %}{{ return(adapter.dispatch('received_payments', 'riskwave')(relation)) }}{% endmacro %}

{% macro default__received_payments(relation) -%}
select * from {{ relation }}
{%- endmacro %}

{% macro risingwave__received_payments(relation) -%}
select
    document,
    payload as raw,
    case
        when payload is null or trim(message) = '' then 'empty message'
        when octet_length(payload) > 1048576 then 'longer than 1048576 bytes'
        when message is null then 'not valid UTF-8'
        when document is null then 'not valid JSON'
        when jsonb_typeof(document) <> 'object' then 'not a JSON object'
    end as decode_error,
    'kafka://{{ var("kafka_bootstrap") }}/{{ var("payments_topic") }}' as source,
    kafka_partition::integer as source_partition,
    kafka_offset::bigint as source_offset,
    kafka_timestamp at time zone 'UTC' as received_at
from {{ kafka_document(relation) }} as documents
{%- endmacro %}
