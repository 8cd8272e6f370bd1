select
  c.relname::text as table_name,
  c.oid as table_oid,
  c.relkind in ('r', 'p') as is_table,
  c.relkind = 'p' or c.relispartition as is_partitioned,
  pg_has_role(c.relowner, 'USAGE') as is_owned,
  pg_has_role(c.relowner, 'USAGE')
    or pg_has_role((select d.datdba from pg_database d where d.datname = current_database()), 'USAGE')
    or case when current_setting('server_version_num')::int >= 170000 then has_table_privilege(c.oid, 'maintain') else false end
    as may_analyze,
  row_security_active(c.oid) as has_row_security,
  array(select r.rulename::text from pg_rewrite r where r.ev_class = c.oid and r.rulename <> '_RETURN' order by 1) as rules,
  array(
    select t.tgname::text
    from pg_trigger t
    where not t.tgisinternal
      and t.tgenabled in ('O', 'A')
      and t.tgparentid = 0
      and (
        t.tgrelid = c.oid
        or t.tgrelid in (select p.relid from pg_partition_tree(c.oid) as p))
    order by 1) as triggers,
  array(
    select r.word
    from (values ('select'), ('insert'), ('update'), ('delete')) as r (word)
    where not has_table_privilege(c.oid, r.word)
      -- Locking notes and attributions requires a privilege to change them. Rows of SyncLog are never changed.
      and not (c.relname in ('CustomerNote', 'AttributionEvent') and r.word in ('insert', 'delete'))
      and not (c.relname = 'SyncLog' and r.word = 'update')
    order by 1) as missing_rights
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1::text
  and c.relname = any (array[
    'CustomerProfile', 'IdentityAlias', 'Activity', 'CustomerNote', 'CustomerSegment', 'CustomerSegmentMembership',
    'MarketingConsent', 'CampaignInteraction', 'AttributionEvent', 'SyncLog', 'DuplicateCandidate'])
order by c.relname;
