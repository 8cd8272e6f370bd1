alter table backfill.written
  drop column hash,
  alter column content drop default;
drop table load_unchanged;
