delete from backfill.merged m
where not exists (
  select
  from "CustomerProfile" t
  where t."id"::text = m.id
    and t."status"::text = 'MERGED');
