{#
The messages of a Kafka source (RisingWave only) with `message`, their text, and `document`, their JSON. In a stream an
expression that fails is NULL: text that is not UTF-8, a document that is not JSON. Longer messages are not decoded.
#}
{% macro kafka_document(relation) -%}
(
    select
        *,
        message::jsonb as document
    from (
        select
            *,
            case when octet_length(payload) <= 1048576 then convert_from(payload, 'utf8') end as message
        from {{ relation }}
    ) as messages
)
{%- endmacro %}
