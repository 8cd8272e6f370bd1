select
  u.evidence_key,
  u.recorded_at
from xmltable(
  '/table/row'
  passing case
    when to_regclass('backfill.undated') is not null then query_to_xml('select * from backfill.undated', false, false, '')
  end
  columns
    evidence_key text,
    recorded_at timestamptz) as u
order by u.evidence_key collate "C";
