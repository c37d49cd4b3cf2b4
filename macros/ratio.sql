{# part / whole as a double; NULL when there is no whole. #}
{% macro ratio(part, whole) -%}
case when {{ whole }} > 0 then ({{ part }})::double precision / ({{ whole }})::double precision end
{%- endmacro %}
