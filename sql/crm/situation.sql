select
  (select count(*) from "CustomerProfile" t where t."id"::text like 'bf11____-____-8___-____-____________') as own_profiles,
  (select count(*) from "CustomerProfile" t where t."id"::text not like 'bf11____-____-8___-____-____________') as other_profiles,
  not exists (select from "CustomerProfile")
    and not exists (select from "IdentityAlias")
    and not exists (select from "Activity")
    and not exists (select from "CustomerNote")
    and not exists (select from "CustomerSegmentMembership")
    and not exists (select from "MarketingConsent")
    and not exists (select from "CampaignInteraction")
    and not exists (select from "AttributionEvent")
    and not exists (select from "DuplicateCandidate") as is_empty;
