{#
The sum of the digits of a card number by ISO/IEC 7812-1, annex B (Luhn): a multiple of 10 when the last digit checks
the others.

    digits: text of up to 19 digits
#}
{% macro luhn_sum(digits) -%}
{%- set plain = "lpad(" ~ digits ~ ", 19, '0')" -%}
{#- A digit in an even place counts as the digits of its double. -#}
{%- set doubled = "translate(" ~ plain ~ ", '0123456789', '0246813579')" -%}
{%- for place in range(1, 20) -%}
substr({{ plain if place % 2 else doubled }}, {{ place }}, 1)::integer{{ " + " if not loop.last }}
{%- endfor -%}
{%- endmacro %}
