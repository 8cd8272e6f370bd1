-- What the activities of each profile come to: the sums from which metrics and scores are computed.
select
  activity.customer_id,
  profile_facts(
    activity.activity_type,
    activity.category,
    activity.channel,
    activity.occurred_at,
    activity.metadata
  ) as facts
from crm__activities as activity
group by
  activity.customer_id;
