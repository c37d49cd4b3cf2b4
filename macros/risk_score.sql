{#
What the models online say of an event: a struct of score (0 to 1), version (model and version behind it), degraded
(whether a model was to score it and could not) and shadow_scores (what versions in the shadow say, as JSON).

DuckDB has the function from Riskwave (riskwave/scoring/function.py), RisingWave from a scoring server (udf/) when
`--vars 'scoring_server: http://host:8815'` names one; without, nothing is scored.
#}
{% macro risk_score(model, card) %}{{ return(adapter.dispatch('risk_score', 'riskwave')(model, card)) }}{% endmacro %}

{% macro default__risk_score(model, card) -%}
risk_score(
        '{{ model }}',
        {{ card }},
        {{ risk_features() }}
    )
{%- endmacro %}

{% macro risingwave__risk_score(model, card) -%}
{%- if var('scoring_server', '') -%}
"{{ target.schema }}".{{ default__risk_score(model, card) }}
{%- else -%}
cast(null as varchar)
{%- endif -%}
{%- endmacro %}
