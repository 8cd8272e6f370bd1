create temp table load_merges (id text, survivor_id text) on commit drop;
create temp table load_withheld (record_key text, profile_id text, successor_id text) on commit drop;
create temp table load_withheld_profiles (id text) on commit drop;
create temp table load_redirect (id text, target_id text) on commit drop;
create temp table load_merged_records (record_key text, profile_id text, gone_id text, survivor_id text) on commit drop;
create temp table load_mixed (id text) on commit drop;
create temp table load_renamed (id text, target_id text) on commit drop;
