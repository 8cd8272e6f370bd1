alter table backfill.written
  alter column hash drop not null,
  add column content uuid not null default '00000000-0000-0000-0000-000000000000';
create temp table load_unchanged (table_name text, id text) on commit drop;
