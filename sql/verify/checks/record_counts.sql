with held as (
    select 'crm__customer_profiles' as dataset, count(*) as row_count from our_profiles where not is_kept
    union all
    select 'crm__identity_aliases', count(*) from our_aliases
    union all
    select 'crm__marketing_consents', count(*) from our_consents where not is_kept
    union all
    select 'crm__activities', count(*) from our_activities
    union all
    select 'crm__campaign_interactions', count(*) from our_interactions
    union all
    select 'crm__duplicate_candidates', count(*) from our_candidates where not is_kept
    union all
    select 'seg__memberships', count(*) from our_memberships where not is_kept
)
select
    files.dataset as item,
    files.row_count as examined,
    files.row_count::text as expected,
    coalesce(held.row_count, 0)::text as observed,
    array[]::text[] as examples
from lent__files as files
left join held using (dataset)
order by files.dataset;
