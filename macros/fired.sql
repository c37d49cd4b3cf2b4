{# For each rule, its name where it fired and NULL where it did not. #}
{% macro fired(rules) -%}
{%- set names = [] -%}
{%- for rule in rules -%}
{%- do names.append("case when " ~ rule ~ " then '" ~ rule ~ "' end") -%}
{%- endfor -%}
{{ return(names) }}
{%- endmacro %}
