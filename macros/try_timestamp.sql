{# ISO 8601 text to a UTC timestamp without zone, NULL when it is not one. Without an offset the text is UTC. #}
{% macro try_timestamp(text) %}{{ return(adapter.dispatch('try_timestamp', 'riskwave')(text)) }}{% endmacro %}

{% macro default__try_timestamp(text) -%}
case
    when {{ text }} ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?$'
        then {{ text }}::timestamptz at time zone 'UTC'
end
{%- endmacro %}

{% macro duckdb__try_timestamp(text) -%}
case
    when
        regexp_full_match(
            {{ text }},
            '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?'
        )
        then try_cast({{ text }} as timestamptz) at time zone 'UTC'
end
{%- endmacro %}
