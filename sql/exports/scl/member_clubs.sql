select
  mc."id"::text as id,
  mc."memberId"::text as member_id,
  mc."clubId"::text as club_id,
  c."name"::text as club_name,
  mc."joinedOn"::text as joined_on,
  mc."leftOn"::text as left_on
from "MemberClub" mc
left join "Club" c on c."id" = mc."clubId"
order by mc."id";
