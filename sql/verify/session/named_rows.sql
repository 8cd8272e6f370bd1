-- The source row that each field with provenance was taken from, and whose it is.
create temporary table named_rows as
select
    provenance.field,
    provenance.profile_id,
    provenance.source,
    people.profile_id is not distinct from provenance.profile_id as is_own,
    people.membership_status,
    people.membership_tier,
    people.handicap,
    people.handicap_at
from lent__provenance as provenance
left join lent__people as people on people.source = provenance.source and people.source_id = provenance.source_id;
