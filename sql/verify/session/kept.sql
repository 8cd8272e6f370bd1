create temporary table evidence__kept (table_name text, id text, reason text);
