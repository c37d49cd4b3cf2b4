{#
The features as risk_score takes them: a list of numbers and a list of texts, in the order of decision_input.yml and
without what names things. riskwave/scoring/layout.py reads them in the same order.
#}
{% macro risk_features() -%}
{%- set numbers, texts = [], [] -%}
{%- for feature in features() if feature.unit not in ['id', 'IPv4 or IPv6', 'digits'] -%}
    {%- if feature.type == 'varchar' -%}
        {%- do texts.append(feature.name) -%}
    {%- elif feature.type == 'boolean' -%}
        {%- do numbers.append('cast(cast(' ~ feature.name ~ ' as integer) as double precision)') -%}
    {%- elif feature.type == 'timestamp' -%}
        {%- do numbers.append('cast(extract(epoch from ' ~ feature.name ~ ') as double precision)') -%}
    {%- elif feature.type == 'double' -%}
        {%- do numbers.append(feature.name) -%}
    {%- else -%}
        {%- do numbers.append('cast(' ~ feature.name ~ ' as double precision)') -%}
    {%- endif -%}
{%- endfor -%}
{%- for list in [numbers, texts] -%}
array[
            {{ list | join(',\n            ') }}
        ]{{ ',\n        ' if loop.first }}
{%- endfor -%}
{%- endmacro %}
