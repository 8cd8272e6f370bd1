select s.system_identifier::text || '/' || d.oid::text
from pg_catalog.pg_control_system() s
join pg_catalog.pg_database d on d.datname = pg_catalog.current_database();
