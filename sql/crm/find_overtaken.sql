-- Profiles that left the datasets, that others changed or for which others entered a withdrawal: the datasets may have given their records
-- to another profile.
insert into load_standing (id)
select t."id"::text
from load_question q
join "CustomerProfile" t on t."id"::text = q.id
where q.table_name = 'CustomerProfile'
  and t."id"::text like 'bf11____-____-8___-____-____________'
  and t."status"::text <> 'MERGED'
  and to_jsonb(t) ->> 'deletedAt' is null
  and not exists (select from staged_customer_profiles s where s."id" = t."id")
  and (
    exists (select from load_kept k where k.table_name = 'CustomerProfile' and k.id = t."id"::text)
    or exists (
      select
      from "MarketingConsent" c
      where c."customerId" = t."id"
        and c."status"::text = 'OPTED_OUT'
        and (
          c."id"::text not like 'bf11____-____-8___-____-____________'
          or exists (select from load_kept k where k.table_name = 'MarketingConsent' and k.id = c."id"::text))))
  and not exists (select from load_kept k where k.table_name = 'CustomerProfile' and k.id = t."id"::text and k.reason <> 'CHANGED');
