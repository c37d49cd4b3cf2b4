select * from "memory"."main"."card_profiles"
