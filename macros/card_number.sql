{# A text of the form of a card number (12 to 19 digits, whatever the last), else NULL. #}
{% macro card_number(text) -%}case when {{ text }} ~ '^[0-9]{12,19}$' then {{ text }} end{%- endmacro %}
