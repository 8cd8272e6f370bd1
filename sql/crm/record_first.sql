drop table backfill.record;
create table backfill.record (
  record_key text not null,
  profile_id text not null
);
