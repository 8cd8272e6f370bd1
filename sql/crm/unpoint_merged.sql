update "CustomerProfile" t
set "mergedIntoId" = null
where t."id"::text like 'bf11____-____-8___-____-____________'
  and t."mergedIntoId"::text in (select d.id from load_delete d where d.table_name = 'CustomerProfile')
  and t."id"::text not in (select d.id from load_delete d where d.table_name = 'CustomerProfile');
