select
  mc.member_id::text as member_id,
  mc.club_id::text as club_id,
  c.name::text as club_name,
  mc.status::text as status,
  mc.is_home_club::text as is_home_club,
  mc.joined_at::text as joined_on,
  mc.left_at::text as left_on
from member_clubs mc
left join clubs c on c.id = mc.club_id
order by
  mc.member_id,
  mc.club_id;
