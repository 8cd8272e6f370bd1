delete from backfill.written w
using load_delete d
where d.table_name = w.table_name
  and d.id = w.id;
