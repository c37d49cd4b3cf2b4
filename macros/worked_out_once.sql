{#
An expression that is worked out where it stands. RisingWave puts a filter on a column beneath the select that makes the
column, with all of its expression in place of each mention: a filter on why a message is rejected would parse the message
some fifty times. It does not look through a list taken apart, so there the value is a list of one.
#}
{% macro worked_out_once() %}{{ return(adapter.dispatch('worked_out_once', 'riskwave')(caller())) }}{% endmacro %}

{% macro default__worked_out_once(expression) %}{{ return(expression) }}{% endmacro %}

{% macro risingwave__worked_out_once(expression) %}{{ return('unnest(array[' ~ expression ~ '])') }}{% endmacro %}
