{# Text to a boolean, NULL when it is not one. #}
{% macro try_boolean(text) -%}
case
    when lower({{ text }}) in ('true', 't', '1', 'yes') then true
    when lower({{ text }}) in ('false', 'f', '0', 'no') then false
end
{%- endmacro %}
