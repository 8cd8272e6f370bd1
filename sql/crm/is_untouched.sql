select
  not exists (select from backfill.deleted)
  and not exists (select from backfill.decision)
  and not exists (select from "CustomerProfile" t where t."status"::text = 'MERGED')
  and not exists (select from "DuplicateCandidate" d where d."status"::text in ('CONFIRMED', 'MERGED'));
