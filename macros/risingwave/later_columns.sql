{# The columns, with their types, that the log of decisions had not in an earlier Riskwave (RisingWave only). #}
{% macro later_columns() -%}
{{ return([('degraded', 'boolean'), ('shadow_scores', 'varchar[]')]) }}
{%- endmacro %}
