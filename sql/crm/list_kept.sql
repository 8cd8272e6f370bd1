insert into backfill.kept (table_name, id, reason)
select table_name, id, reason from load_kept
union
select table_name, id, reason from load_held
on conflict do nothing;
