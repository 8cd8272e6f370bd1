-- The role that exports a source. Run once per source, as a superuser or the tables' owner, in the source's database; running it again
-- changes nothing:
--   psql -d scl -f sql/exports/roles.sql
-- Tables are looked for along the search path: set it first where the source has a schema of its own. The password is yours to set:
--   alter role bf_export password '...';
-- It may read exactly the tables that the statements of sql/exports read, and see how long transactions of other roles are open, which
-- decides from which instant real-time sync must start.
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
