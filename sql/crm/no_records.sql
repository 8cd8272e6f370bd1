create temp table load_record (record_key text, profile_id text) on commit drop;
