{# What the shipped ruleset's statement on a stream is called. Made of rules/card by `python -m riskwave.rules.dbt`: change the pack, not this. #}
{% macro ruleset_structure() -%}
{{ return("card-a14a39b24862.5046237ae837") }}
{%- endmacro %}
