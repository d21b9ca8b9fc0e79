{# Whether rows of `part`, an expression, are to be made now. A model whose `meta.parts` lists its parts, each some
   values of `part`, is made one part after another: an exact percentile holds every value until its statement ends,
   which is more than the memory where there are millions of steps. Where `part` is a constant, what is not of the
   part is not read. #}
{% macro is_in_part(part) -%}
    coalesce(list_contains(getvariable('part'), {{ part }}), true)
{%- endmacro %}
