select
  mc.member_id::text as member_id,
  mc.club_id::text as club_id,
  c.name::text as club_name,
  mc.status::text as status,
  coalesce(mc.is_home_club, false) as is_home_club,
  mc.joined_at as joined_on,
  mc.left_at as left_on
from member_clubs mc
left join clubs c on c.id = mc.club_id
order by
  mc.member_id,
  mc.club_id;
