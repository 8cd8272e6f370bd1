drop table backfill.child;
create table backfill.child (
  table_name text not null,
  id text not null
);
