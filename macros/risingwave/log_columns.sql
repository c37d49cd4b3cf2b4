{# The columns of a relation as a CREATE TABLE names them. #}
{% macro log_columns(relation) -%}
{%- for column in adapter.get_columns_in_relation(relation) -%}
{{ column.name }} {{ column.data_type }}{{ ", " if not loop.last }}
{%- endfor -%}
{%- endmacro %}
