{# The columns that what risk_score says comes to. No answer at all is no score either. #}
{% macro score_columns(risk) %}{{ return(adapter.dispatch('score_columns', 'riskwave')(risk)) }}{% endmacro %}

{% macro default__score_columns(risk) -%}
({{ risk }}).score as model_score,
    ({{ risk }}).version as model_version,
    coalesce(({{ risk }}).degraded, true) as degraded,
    ({{ risk }}).shadow_scores as shadow_scores
{%- endmacro %}

{% macro risingwave__score_columns(risk) -%}
{%- if var('scoring_server', '') -%}
{{ default__score_columns(risk) }}
{%- else -%}
cast(null as double precision) as model_score,
    {{ risk }} as model_version,
    false as degraded,
    array[]::varchar[] as shadow_scores
{%- endif -%}
{%- endmacro %}
