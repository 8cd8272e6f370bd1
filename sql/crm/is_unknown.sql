select
  not exists (select from backfill.child) as lacks_children,
  not exists (
    select
    from pg_attribute a
    where a.attrelid = 'backfill.written'::regclass
      and a.attname = 'said'
      and not a.attisdropped) as lacks_words;
