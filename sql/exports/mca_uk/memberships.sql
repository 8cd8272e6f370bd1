select
  ms.id::text as id,
  ms.member_id::text as member_id,
  ms.club_id::text as club_id,
  c.name::text as club_name,
  ms.membership_type::text as membership_type,
  ms.is_home::text as is_home,
  ms.start_date::text as start_on,
  ms.end_date::text as end_on
from memberships ms
left join clubs c on c.id = ms.club_id
order by ms.id;
