select
  pg_catalog.pg_backend_pid() as pid,
  (extract(epoch from pg_catalog.now()) * 1000000)::bigint as began,
  (
    select count(pg_catalog.set_config(s.name, v.value, true))
    from (values
      ('bytea_output', 'hex'),
      ('client_connection_check_interval', '2s'),
      ('client_encoding', 'UTF8'),
      ('datestyle', 'ISO, YMD'),
      ('extra_float_digits', '1'),
      ('idle_in_transaction_session_timeout', '15min'),
      ('idle_session_timeout', '0'),
      ('intervalstyle', 'iso_8601'),
      ('jit', 'off'),
      ('lock_timeout', '10s'),
      ('row_security', 'off'),
      ('standard_conforming_strings', 'on'),
      ('statement_timeout', '0'),
      ('tcp_keepalives_count', '3'),
      ('tcp_keepalives_idle', '30'),
      ('tcp_keepalives_interval', '10'),
      ('tcp_user_timeout', '60000'),
      ('timezone', 'UTC'),
      ('transaction_timeout', '0')) v (name, value)
    join pg_catalog.pg_settings s on lower(s.name collate "C") = v.name
  ) as pinned;
