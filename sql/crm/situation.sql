select
  own_profiles,
  all_profiles - own_profiles as other_profiles,
  all_profiles = 0
    and not exists (select from "IdentityAlias")
    and not exists (select from "Activity")
    and not exists (select from "CustomerNote")
    and not exists (select from "CustomerSegmentMembership")
    and not exists (select from "MarketingConsent")
    and not exists (select from "CampaignInteraction")
    and not exists (select from "AttributionEvent")
    and not exists (select from "DuplicateCandidate") as is_empty
from (
  select
    count(*) as all_profiles,
    count(*) filter (where t."id"::text like 'bf11____-____-8___-____-____________') as own_profiles
  from "CustomerProfile" t
) as counted;
