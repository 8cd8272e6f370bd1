select
  max(quote_ident(k.conname)) filter (where k.contype = 'p') as primary_key
from pg_constraint k
where k.conrelid = to_regclass($1);
