{# Unique on the stream: of what is logged anew with each revision, within a revision (RisingWave only). #}
{% macro risingwave__test_unique(model, column_name) -%}
{%- set revised = model.identifier in ['decision_input', 'int_scored', 'decisions'] -%}
{%- set key = [column_name, 'revision'] if revised else [column_name] -%}
select
    {{ key | join(', ') }},
    count(*) as row_count
from {{ model }}
where {{ column_name }} is not null
group by {{ key | join(', ') }}
having count(*) > 1
{%- endmacro %}
