select * from "memory"."main"."devices"
