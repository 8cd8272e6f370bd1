delete from backfill.decision s
using "CustomerProfile" t
where s.kind = 'MERGED'
  and t."id"::text = s.gone_id
  and t."status"::text <> 'MERGED';
