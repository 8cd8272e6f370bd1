create or replace function pg_temp.proof_fails(statement text, row_id text) returns boolean language plpgsql as $$
begin
  execute statement using row_id;
  return false;
exception when others then
  return true;
end
$$;
