{#
Before a run: RisingWave's function risk_score, linked to the scoring server that `scoring_server` names, where it is not
there yet. The server must be up. DuckDB gets its own from riskwave/dbt_plugin.py.
#}
{% macro create_risk_score() %}{{ return(adapter.dispatch('create_risk_score', 'riskwave')()) }}{% endmacro %}

{% macro default__create_risk_score() %}{% endmacro %}

{% macro risingwave__create_risk_score() -%}
{%- if var('scoring_server', '') -%}
create function if not exists "{{ target.schema }}".risk_score(varchar, varchar, double precision[], varchar[])
returns struct<score double precision, version varchar, degraded boolean, shadow_scores varchar[]>
as risk_score using link '{{ var('scoring_server') }}'
{%- endif -%}
{%- endmacro %}
