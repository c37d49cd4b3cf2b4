{#
The features as risk_score takes them: a list of numbers and a list of texts, in the order of decision_input.yml and
without what names things. riskwave/scoring/layout.py reads them in the same order.
#}
{% macro risk_features() -%}
{%- set numbers, texts = [], [] -%}
{%- if execute -%}
    {%- for column in graph.nodes['model.riskwave.decision_input'].columns.values() -%}
        {%- set meta = column.get('config', {}).get('meta') or column.get('meta') or {} -%}
        {%- if meta.get('feature') and meta['unit'] not in ['id', 'IPv4 or IPv6', 'digits'] -%}
            {%- if meta['type'] == 'varchar' -%}
                {%- do texts.append(column.name) -%}
            {%- elif meta['type'] == 'boolean' -%}
                {%- do numbers.append('cast(cast(' ~ column.name ~ ' as integer) as double precision)') -%}
            {%- elif meta['type'] == 'timestamp' -%}
                {%- do numbers.append('cast(extract(epoch from ' ~ column.name ~ ') as double precision)') -%}
            {%- elif meta['type'] == 'double' -%}
                {%- do numbers.append(column.name) -%}
            {%- else -%}
                {%- do numbers.append('cast(' ~ column.name ~ ' as double precision)') -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
{%- endif -%}
{%- for list in [numbers, texts] -%}
array[
            {{ list | join(',\n            ') }}
        ]{{ ',\n        ' if loop.first }}
{%- endfor -%}
{%- endmacro %}
