create temp table load_deleted_grants on commit drop as
select distinct s."customerId"::text as id, s."channel"::text as channel
from staged_marketing_consents s
join backfill.deleted d on d.table_name = 'MarketingConsent' and d.id = s."id"::text
where s."status"::text = 'OPTED_IN'
  and s."scope" <> 'transactional';
