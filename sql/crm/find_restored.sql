insert into load_restored (table_name, id)
select '', i.id
from unnest($1::text[]) as i (id)
union
select 'CustomerProfile', d.id
from backfill.deleted d
where d.table_name = 'CustomerProfile'
  and (
    d.id = any ($1::text[])
    or d.id in (select r.profile_id from backfill.record r where r.record_key = any ($1::text[])));
