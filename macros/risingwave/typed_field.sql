{# One field of a message in its contract's type, NULL when its text is not of that type. #}
{% macro typed_field(name, kind) -%}
{%- if kind == 'timestamp' -%}{{ try_timestamp(field(name)) }}
{%- elif kind == 'integer' -%}{{ try_integer(field(name)) }}
{%- elif kind == 'double' -%}{{ try_double(field(name)) }}
{%- elif kind == 'boolean' -%}{{ try_boolean(field(name)) }}
{%- elif kind == 'text' -%}{{ field(name) }}
{%- else -%}{{ exceptions.raise_compiler_error("field " ~ name ~ ": no cast for type " ~ kind) }}
{%- endif -%}
{%- endmacro %}
