{# The names of the features whose values differ between two rows of what was known, as a list with NULL for the others. #}
{% macro features_that_differ(before, after) -%}
{%- set named = [] -%}
{%- for feature in features() -%}
    {%- set differs = before ~ '.' ~ feature.name ~ ' is distinct from ' ~ after ~ '.' ~ feature.name -%}
    {%- do named.append("case when " ~ differs ~ " then '" ~ feature.name ~ "' end") -%}
{%- endfor -%}
array[
            {{ named | join(',\n            ') }}
        ]
{%- endmacro %}
