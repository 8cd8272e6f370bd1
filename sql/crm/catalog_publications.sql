with crm as (
  select c.oid, c.relname, c.relkind
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1::text
    and c.relname = any (array[
      'CustomerProfile', 'IdentityAlias', 'Activity', 'CustomerSegment', 'CustomerSegmentMembership', 'MarketingConsent',
      'CampaignInteraction', 'SyncLog', 'DuplicateCandidate'])
),
parts as (
  select c.relname, c.oid
  from crm c
  union all
  select c.relname, t.relid
  from crm c
  cross join lateral pg_partition_tree(c.oid) as t
  where c.relkind = 'p'
    and t.relid <> c.oid
),
published as (
  select
    p.relname,
    p.oid,
    b.oid as publication_oid,
    b.pubname,
    to_jsonb(v) -> 'attnames' as names
  from pg_publication_tables v
  join pg_publication b on b.pubname = v.pubname and (b.pubupdate or b.pubdelete)
  join pg_namespace vn on vn.nspname = v.schemaname
  join pg_class vc on vc.relnamespace = vn.oid and vc.relname = v.tablename
  join parts p on p.oid = vc.oid
),
identities as (
  select
    p.*,
    c.relreplident = 'f' as is_full,
    x.indkey::smallint[] as numbers
  from published p
  join pg_class c on c.oid = p.oid
  left join pg_index x on x.indrelid = p.oid
    and x.indislive
    and case c.relreplident when 'd' then x.indisprimary when 'i' then x.indisreplident else false end
)
select
  i.relname::text as table_name,
  i.pubname::text as publication,
  case
    when not i.is_full and i.numbers is null then 'has no replica identity'
    when i.names is not null and exists (
      select
      from pg_attribute a
      where a.attrelid = i.oid
        and a.attnum > 0
        and not a.attisdropped
        and a.attgenerated = ''
        and (i.is_full or a.attnum = any (i.numbers))
        and not i.names ? a.attname::text) then 'does not publish all columns of its replica identity'
    when not i.is_full and exists (
      select
      from pg_publication_rel r
      join pg_depend d on d.classid = 'pg_publication_rel'::regclass and d.objid = r.oid
      where r.prpubid = i.publication_oid
        and r.prrelid = i.oid
        and to_jsonb(r) ->> 'prqual' is not null
        and d.refclassid = 'pg_class'::regclass
        and d.refobjid = i.oid
        and d.refobjsubid > 0
        and not d.refobjsubid = any (i.numbers)
        and to_jsonb(r) ->> 'prattrs' is null) then 'filters rows by columns that are not in its replica identity'
  end as reason
from identities i
order by 1, 2;
