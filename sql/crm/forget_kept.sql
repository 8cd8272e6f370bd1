delete from backfill.kept b
where not exists (
  select
  from (select table_name, id, reason from load_kept union all select table_name, id, reason from load_held) as k
  where k.table_name = b.table_name and k.id = b.id and k.reason = b.reason);
