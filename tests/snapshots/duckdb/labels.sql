select * from "memory"."main"."labels"
