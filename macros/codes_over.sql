{# The one-letter codes of a window's events in order of time, ties by event_id, as one text. #}
{% macro codes_over(code, window_name) %}{{ return(adapter.dispatch('codes_over', 'riskwave')(code, window_name)) }}{% endmacro %}

{% macro default__codes_over(code, window_name) -%}
array_to_string(
    array_transform(
        array_sort(
            array_agg(to_char(event_ts, 'YYYYMMDDHH24MISSUS') || event_id || chr(1) || {{ code }}) over {{ window_name }}
        ),
        |token| right(token, 1)
    ),
    ''
)
{%- endmacro %}

{% macro duckdb__codes_over(code, window_name) -%}
string_agg({{ code }}, '' order by event_ts, event_id) over {{ window_name }}
{%- endmacro %}
