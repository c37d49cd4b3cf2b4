{# A list of texts without its NULLs. #}
{% macro without_nulls(texts) %}{{ return(adapter.dispatch('without_nulls', 'riskwave')(texts)) }}{% endmacro %}

{% macro default__without_nulls(texts) -%}array_remove(array[{{ texts | join(', ') }}]::varchar[], null){%- endmacro %}

{% macro duckdb__without_nulls(texts) -%}
list_filter([{{ texts | join(', ') }}]::varchar[], lambda item: item is not null)
{%- endmacro %}
