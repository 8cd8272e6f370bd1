insert into backfill.settled (table_name, form, transactions, buckets, seal)
values ($1, $2, $3, $4, $5)
on conflict (table_name) do update
set form = excluded.form, transactions = excluded.transactions, buckets = excluded.buckets, seal = excluded.seal;
