{#
Text without card numbers: of each run of 12 to 19 digits that passes the Luhn check all but the last four are
asterisks. Groups of digits as cards print them (4-4-4-4 and 4-6-5, between spaces or hyphens) are runs too.
#}
{% macro masked(text) %}{{ return(adapter.dispatch('masked', 'riskwave')(text)) }}{% endmacro %}

{# The same for many texts of which few have such digits: those are looked at twice. #}
{% macro masked_where_due(text) -%}
case
            when {{ text }} ~ '[0-9][0-9 -]{10}[0-9]'
                then
                    {{ masked(text) }}
            else {{ text }}
        end
{%- endmacro %}

{%- macro default__masked(text) -%}
list_aggregate(
    list_transform(
        string_split({{ card_numbers_apart(text) }}, {{ card_number_mark() }}),
        lambda part: {{ masked_part('part') }}
    ),
    'string_agg', ''
)
{%- endmacro %}

{%- macro risingwave__masked(text) -%}
array_to_string(
    array_transform(
        string_to_array({{ card_numbers_apart(text) }}, {{ card_number_mark() }}),
        |part| {{ masked_part('part') }}
    ),
    ''
)
{%- endmacro %}

{# What stands around a run of digits while a text is taken apart: a character for private use, which no text has. #}
{% macro card_number_mark() -%}chr(57344){%- endmacro %}

{# A text with marks around the runs of 12 digits and more, and the groups like those of a card. #}
{% macro card_numbers_apart(text) -%}
regexp_replace(
            {{ text }},
            '([0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{5}|[0-9]{12,})',
            {{ card_number_mark() }} || '\1' || {{ card_number_mark() }}, 'g'
        )
{%- endmacro %}

{# A part of a text taken apart: masked when it is a card number. #}
{% macro masked_part(part) -%}
{%- set digits = "regexp_replace(" ~ part ~ ", '[ -]', '', 'g')" -%}
case
            when {{ part }} !~ '^[0-9][0-9 -]{10,17}[0-9]$' then {{ part }}
            when ({{ luhn_sum(digits) }}) % 10 = 0
                then regexp_replace(left({{ part }}, length({{ part }}) - 4), '[0-9]', '*', 'g') || right({{ part }}, 4)
            else {{ part }}
        end
{%- endmacro %}
