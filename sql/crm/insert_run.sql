insert into backfill.run (id, command, phase, as_of, inputs, version, transaction_id, started_at, counts)
values ($1, $2, $3, $4::text::timestamptz, $5, $6, pg_current_xact_id()::text, now(), $7::text::jsonb);
