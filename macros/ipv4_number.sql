{# An IPv4 address as a number, NULL for any other text; leading zeros are decimal. #}
{% macro ipv4_number(address) -%}
{%- set parts = [] -%}
{%- for place in range(1, 5) -%}
{%- do parts.append("cast(split_part(" ~ address ~ ", '.', " ~ place ~ ") as bigint)") -%}
{%- endfor -%}
case
        when {{ address }} ~ '^[0-9]{1,3}([.][0-9]{1,3}){3}$'
            then
                case
                    when greatest({{ parts | join(', ') }}) <= 255
                        then {% for part in parts %}{{ part }} * {{ 256 ** (4 - loop.index) }}{{ ' + ' if not loop.last }}{% endfor %}
                end
    end
{%- endmacro %}
