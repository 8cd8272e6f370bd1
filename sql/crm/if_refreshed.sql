and (
  exists (select from load_refreshes r where r.segment_id = t."segmentId"::text and r.error is null)
  or t."customerId"::text in (select g.id from load_delete g where g.table_name = 'CustomerProfile')
  or t."customerId"::text in (select l.id from load_standing l))
