{#
A text in quotes for a sentence, its first 40 characters. A number is not cut in two there: nobody could tell that half
of it is half a card number.
#}
{% macro quoted(text) -%}
'"' || case
                        when length({{ text }}) > 40 then regexp_replace(left({{ text }}, 40), '[0-9]+$', '')
                        else {{ text }}
                    end || '"'
{%- endmacro %}
