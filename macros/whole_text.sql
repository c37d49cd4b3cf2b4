{# A number as text, rounded to a whole one, for sentences. #}
{% macro whole_text(number) -%}(floor({{ number }} + 0.5)::bigint)::varchar{%- endmacro %}
