select
  w.table_name,
  w.id
from backfill.written w
where case w.table_name
    when 'CustomerProfile' then not exists (select from "CustomerProfile" t where t."id"::text = w.id)
    when 'MarketingConsent' then not exists (select from "MarketingConsent" t where t."id"::text = w.id)
    else true
  end
order by w.table_name, w.id;
