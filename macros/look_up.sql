{#
Joins what is known of a key under the event's own minute, hour and day: a list of (relation, alias, unit).

DuckDB has rows only where there were tiles. RisingWave has one for every event, so that an inner join waits the moment
until it is there, where a left join would say NULL first and take it back. The rows of one key are joined first: the
event itself is kept once a key, not once a relation.
#}
{% macro look_up(left, key, relations) %}{{ return(adapter.dispatch('look_up', 'riskwave')(left, key, relations)) }}{% endmacro %}

{% macro duckdb__look_up(left, key, relations) -%}
{%- for relation, alias, unit in relations %}
    left join {{ relation }} as {{ alias }}
        on
            {{ left }}.{{ key }} = {{ alias }}.{{ key }}
            and date_trunc('{{ unit }}', {{ counted_ts(left) }}) = {{ alias }}.serves
{%- endfor -%}
{%- endmacro %}

{% macro risingwave__look_up(left, key, relations) -%}
{%- set first, first_alias, first_unit = relations[0] %}
    inner join (
        {{ first }} as {{ first_alias }}
        {%- for relation, alias, unit in relations[1:] %}
        inner join {{ relation }} as {{ alias }}
            on
                {{ first_alias }}.{{ key }} = {{ alias }}.{{ key }}
                and date_trunc('{{ unit }}', {{ first_alias }}.serves) = {{ alias }}.serves
        {%- endfor %}
    )
        on
            {{ awaited_key(key, left) }} = {{ first_alias }}.{{ key }}
            and date_trunc('{{ first_unit }}', {{ counted_ts(left) }}) = {{ first_alias }}.serves
{%- endmacro %}
