{#
Great-circle distance in kilometres between two points in degrees; NULL when a coordinate is (least() alone skips NULL).
Haversine formula (R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68(2), 1984), Earth radius 6371.0088 km.
#}
{% macro kilometres(lat1, lon1, lat2, lon2) -%}
case
    when {{ lat1 }} is not null and {{ lon1 }} is not null and {{ lat2 }} is not null and {{ lon2 }} is not null
        then 2 * 6371.0088 * asin(least(1.0::double precision, sqrt(
            power(sin(radians({{ lat2 }} - {{ lat1 }}) / 2), 2)
            + cos(radians({{ lat1 }})) * cos(radians({{ lat2 }})) * power(sin(radians({{ lon2 }} - {{ lon1 }}) / 2), 2)
        )))
end
{%- endmacro %}
