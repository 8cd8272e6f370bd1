and not (
  (t."status"::text <> 'PENDING' or t."reviewedBy" is not null)
  and not exists (
    select
    from load_delete g
    where g.table_name = 'CustomerProfile'
      and g.id in (t."profileAId"::text, t."profileBId"::text)))
