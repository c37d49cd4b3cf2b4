{#
Bytes without card numbers, as `masked` has it for texts; they need not be UTF-8.

    number: one more to mask, by its digits alone, where it is not NULL
#}
{% macro masked_bytes(bytes, number) %}{{ return(adapter.dispatch('masked_bytes', 'riskwave')(bytes, number)) }}{% endmacro %}

{#- Written as text, a byte that is no plain character is \xFF: those digits belong to no number. -#}
{%- macro default__masked_bytes(bytes, number) -%}
{{ masked(plain_text(bytes ~ "::varchar", '(\\\\x[0-9A-F]{2})', number)) }}::blob
{%- endmacro %}

{#- Here it is \377, and a backslash \\. -#}
{%- macro risingwave__masked_bytes(bytes, number) -%}
decode(
        {{ masked(plain_text("encode(" ~ bytes ~ ", 'escape')", '(\\\\\\\\|\\\\[0-7]{3})', number)) }},
        'escape'
    )
{%- endmacro %}

{# Bytes written as text, with marks after the escapes and the one number masked. #}
{% macro plain_text(written, escape, number) -%}
replace(
                regexp_replace({{ written }}, '{{ escape }}', '\1' || {{ card_number_mark() }}, 'g'),
                coalesce({{ number }}, {{ card_number_mark() }}),
                coalesce(repeat('*', length({{ number }}) - 4) || right({{ number }}, 4), {{ card_number_mark() }})
            )
{%- endmacro %}
