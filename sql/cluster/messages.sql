-- Messages as the rows that they become, in the order of their file. message_rows is the timeline's rule for a message.
select
  message.place,
  message_rows(
    link.source_id is not null,
    link.profile_id,
    link.tenant_id,
    message.row_id,
    message.source_id,
    message.kind,
    message.status_raw,
    message.channel,
    message.channel_raw,
    message.template_id,
    message.template_name,
    message.campaign_id,
    message.created_at
  ) as event_rows
from res__links as link
right join stg_messaging__messages as message
  on link.source = 'messaging'
  and link.source_id = message.source_id
order by
  message.place;
