insert into load_kept (table_name, id, reason)
select 'MarketingConsent', v.id, 'WITHDRAWAL_STANDS'
from load_vanished v
where not exists (
    select
    from staged_marketing_consents m
    where m."channel"::text = v.channel
      and m."scope"::text = v.scope
      and m."status"::text = 'OPTED_OUT'
      and m."evidence"::text::jsonb ->> 'evidenceKey' = v.evidence_key)
  and not exists (select from load_kept k where k.table_name = 'MarketingConsent' and k.id = v.id);
