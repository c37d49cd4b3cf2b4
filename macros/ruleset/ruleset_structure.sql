{# What the shipped ruleset's statement on a stream is called. Made of rules/card by `python -m riskwave.rules.dbt`: change the pack, not this. #}
{% macro ruleset_structure() -%}
{{ return("card-07f95be8bfb0.db27c44cfb20") }}
{%- endmacro %}
