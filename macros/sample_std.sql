{#
Sample standard deviation (double) from count, sum and sum of squares of whole numbers; NULL below two values.
The three sums are exact, so every engine takes the same last steps in floating point.
#}
{% macro sample_std(n, total, squares) -%}
case
    when {{ n }} >= 2 then sqrt(
        greatest(
            {{ squares }}::double precision
            - {{ total }}::double precision * {{ total }}::double precision / {{ n }}::double precision,
            0::double precision
        ) / ({{ n }} - 1)::double precision
    )
end
{%- endmacro %}
