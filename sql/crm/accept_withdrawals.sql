delete from load_kept k
using staged_marketing_consents s
join "MarketingConsent" t on t."id" = s."id"
join backfill.written w on w.table_name = 'MarketingConsent' and w.id = t."id"::text
where k.table_name = 'MarketingConsent'
  and k.id = t."id"::text
  and k.reason = 'CHANGED'
  and s."status"::text = 'OPTED_OUT'
  and t."status"::text = 'OPTED_IN'
  and w.said = 'OPTED_IN';
