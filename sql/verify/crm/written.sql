select
  kinds.item,
  count(*) as examined,
  '0' as expected,
  (count(*) filter (where kinds.is_wrong))::text as observed,
  coalesce((array_agg(judged.id order by judged.id) filter (where kinds.is_wrong))[1:5], array[]::text[]) as examples
from (
  select
    t."id"::text as id,
    w.hash is null as is_unwritten,
    w.hash <> HASH and kept.id is null and not (IS_CHANGED) as is_other
  from ROWS t
  left join backfill.written w on w.table_name = 'TABLE_NAME' and w.id = t."id"::text
  left join (
    select unnest(coalesce(nullif(current_setting('backfill.kept', true), ''), '{}')::text[]) as id
  ) kept on kept.id = t."id"::text
  where IS_OURS
    and not IS_MERGED
) judged
cross join lateral (
  values
    ('TABLE_NAME rows that no load wrote down', judged.is_unwritten),
    ('TABLE_NAME rows that are not as a load wrote them down', judged.is_other)
) kinds (item, is_wrong)
group by kinds.item
order by kinds.item;
