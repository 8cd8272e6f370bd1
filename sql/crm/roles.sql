-- The CRM's roles. Run this once per CRM as a superuser in the CRM's database. Running it again changes nothing:
--   psql -d crm -f sql/crm/roles.sql
-- Tables are found by the search path: set it first if the CRM has its own schema. Set the passwords yourself:
--   alter role bf_load password '...';
--
-- bf_load        loads and rolls back; owns schema backfill and nothing else
-- bf_load_owner  the same, and may drop and create indexes of the CRM's tables; for the first load
-- bf_verify      reads, for verify, export-crm, status and watermarks
do $$
declare
  entry record;
  place text := quote_ident(current_schema());
begin
  for entry in
    select n.role_name
    from (values ('bf_load'), ('bf_load_owner'), ('bf_verify')) n (role_name)
    where not exists (select from pg_roles r where r.rolname = n.role_name)
  loop
    execute format('create role %I login', entry.role_name);
  end loop;

  execute format('grant usage on schema %s to bf_load, bf_verify', place);
  -- Privileges per table. A lock against writers requires a privilege to change; notes and attributions are locked, but not changed.
  for entry in
    select n.table_name, n.rights
    from (values
      ('CustomerProfile', 'select, insert, update, delete'),
      ('IdentityAlias', 'select, insert, update, delete'),
      ('Activity', 'select, insert, update, delete'),
      ('MarketingConsent', 'select, insert, update, delete'),
      ('CampaignInteraction', 'select, insert, update, delete'),
      ('DuplicateCandidate', 'select, insert, update, delete'),
      ('CustomerSegmentMembership', 'select, insert, update, delete'),
      ('CustomerSegment', 'select, insert, update, delete'),
      ('SyncLog', 'select, insert, delete'),
      ('CustomerNote', 'select, update'),
      ('AttributionEvent', 'select, update')) n (table_name, rights)
    where to_regclass(quote_ident(n.table_name)) is not null
  loop
    execute format('grant %s on %I to bf_load', entry.rights, entry.table_name);
    execute format('grant select on %I to bf_verify', entry.table_name);
  end loop;

  -- The schema of what load remembers between runs. Its tables belong to the owner of the schema, whichever role creates them.
  if not exists (select from pg_namespace n where n.nspname = 'backfill') then
    create schema backfill authorization bf_load;
  end if;
  grant usage on schema backfill to bf_verify;
  execute 'alter default privileges for role bf_load, bf_load_owner in schema backfill grant select on tables to bf_verify';
  execute 'grant select on all tables in schema backfill to bf_verify';

  -- Ownership by membership in the role that owns the tables.
  grant bf_load to bf_load_owner;
  for entry in
    select distinct o.rolname
    from pg_class c
    join pg_roles o on o.oid = c.relowner
    where c.oid = to_regclass('"CustomerProfile"')
      and not o.rolsuper
      and o.rolname not in ('bf_load', 'bf_load_owner')
  loop
    execute format('grant %I to bf_load_owner', entry.rolname);
  end loop;

  -- Sessions of other roles: their open transactions decide from which instant real-time sync must start.
  grant pg_read_all_stats to bf_load;
end
$$;
