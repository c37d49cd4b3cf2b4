{# The columns of decision_input that are features, in the order of decision_input.yml: name, type and unit of each. #}
{% macro features() -%}
{%- set found = [] -%}
{%- if execute -%}
    {%- for column in graph.nodes['model.riskwave.decision_input'].columns.values() -%}
        {%- set meta = column.get('config', {}).get('meta') or column.get('meta') or {} -%}
        {%- if meta.get('feature') -%}
            {%- do found.append({'name': column.name, 'type': meta['type'], 'unit': meta['unit']}) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endif -%}
{{ return(found) }}
{%- endmacro %}
