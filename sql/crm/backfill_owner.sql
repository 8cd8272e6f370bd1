do $$
declare
  entry record;
begin
  for entry in
    select c.relname, pg_get_userbyid(n.nspowner) as owner
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'backfill'
      and c.relkind = 'r'
      and c.relowner <> n.nspowner
      and c.relowner = (select r.oid from pg_roles r where r.rolname = current_user)
      and pg_has_role(n.nspowner, 'MEMBER')
  loop
    execute format('alter table backfill.%I owner to %I', entry.relname, entry.owner);
  end loop;
end
$$;
