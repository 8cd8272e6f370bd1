-- The role that exports a source. Run this once per source, as a superuser or the owner of the tables, in the source's database. Running
-- it again changes nothing:
--   psql -d scl -f sql/exports/roles.sql
-- Tables are found by the search path: set it first if the source has its own schema. Set the password yourself:
--   alter role bf_export password '...';
-- The role may read exactly the tables that the statements in sql/exports read. It also sees open transactions of other roles, which decide
-- from which instant real-time sync must start.
do $$
declare
  entry record;
begin
  if not exists (select from pg_roles r where r.rolname = 'bf_export') then
    create role bf_export login;
  end if;
  execute format('grant usage on schema %I to bf_export', current_schema());
  for entry in
    select n.table_name
    from (values
      ('members'),
      ('clubs'),
      ('member_clubs'),
      ('memberships'),
      ('handicaps'),
      ('Member'),
      ('MemberClub'),
      ('MembershipTier'),
      ('Sport'),
      ('SportMembership'),
      ('Player'),
      ('PlayerAssociation'),
      ('PlayerClubMembership'),
      ('PlayerPreference'),
      ('Association'),
      ('Club'),
      ('Course'),
      ('TeeTime'),
      ('Contact'),
      ('ContactPreference'),
      ('ConsentChangeLog'),
      ('MessageLog')) n (table_name)
    where to_regclass(quote_ident(n.table_name)) is not null
  loop
    execute format('grant select on %I to bf_export', entry.table_name);
  end loop;
  grant pg_read_all_stats to bf_export;
end
$$;
