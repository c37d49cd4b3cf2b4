{# The names of the features whose values differ between two rows of what was known, as a list with NULL for the others. #}
{% macro features_that_differ(before, after) -%}
{%- set named = [] -%}
{%- if execute -%}
    {%- for column in graph.nodes['model.riskwave.decision_input'].columns.values() -%}
        {%- set meta = column.get('config', {}).get('meta') or column.get('meta') or {} -%}
        {%- if meta.get('feature') -%}
            {%- set differs = before ~ '.' ~ column.name ~ ' is distinct from ' ~ after ~ '.' ~ column.name -%}
            {%- do named.append("case when " ~ differs ~ " then '" ~ column.name ~ "' end") -%}
        {%- endif -%}
    {%- endfor -%}
{%- endif -%}
array[
            {{ named | join(',\n            ') }}
        ]
{%- endmacro %}
