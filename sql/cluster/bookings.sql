-- Bookings as the rows that they become, in the order of their file. booking_rows is the timeline's rule for a booking.
select
  booking.place,
  booking_rows(
    link.source_id is not null,
    link.profile_id,
    link.tenant_id,
    booking.row_id,
    booking.source_id,
    booking.outcome,
    booking.status_raw,
    booking.course_id,
    booking.course_name,
    booking.club_id,
    booking.club_name,
    booking.player_count,
    booking.start_at,
    booking.created_at
  ) as event_rows
from res__links as link
right join stg_teetime__bookings as booking
  on link.source = 'teetime'
  and link.source_id = booking.source_id
order by
  booking.place;
