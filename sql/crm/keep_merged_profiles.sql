insert into load_kept (table_name, id, reason)
select 'CustomerProfile', t."id"::text, 'MERGED_BY_OTHERS'
from load_merges m
join "CustomerProfile" t on t."id"::text = m.id;
