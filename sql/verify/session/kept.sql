create temporary table lent__kept (table_name text, id text, reason text);
