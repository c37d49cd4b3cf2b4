select * from "memory"."main"."payments"
