{# A number as text, rounded to a whole one, for sentences. #}
{% macro whole_text(number) -%}(round({{ number }})::bigint)::varchar{%- endmacro %}
