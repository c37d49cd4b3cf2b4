{#
Sends rows on: to a Kafka topic, a JSON object each under the event's id (RisingWave). A batch has nobody to send to: there
it is part of nothing (DuckDB). Delivered at least once: who reads takes event_id and revision for the key.
#}
{% macro outlet(topic) %}{{ return(adapter.dispatch('outlet', 'riskwave')(topic, caller())) }}{% endmacro %}

{% macro default__outlet(topic, query) %}{{ return(query) }}{% endmacro %}

{% macro risingwave__outlet(topic, query) -%}
{{ filled_at_once() }}
create sink {{ this }} as {{ made(query) }} with (
    connector = 'kafka',
    properties.bootstrap.server = '{{ var("kafka_bootstrap") }}',
    topic = '{{ topic }}',
    primary_key = 'event_id'
) format plain encode json (force_append_only = 'true')
{%- endmacro %}
