delete from backfill.deleted d
using staged_marketing_consents s
where d.table_name = 'MarketingConsent'
  and d.id = s."id"::text
  and s."status"::text = 'OPTED_OUT'
  and s."revokedAt" > d.as_of
  and not exists (select from load_withheld_profiles p where p.id = s."customerId"::text);
