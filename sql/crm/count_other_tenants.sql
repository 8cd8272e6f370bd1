select count(*)
from "CustomerProfile" t
where t."id"::text like 'bf11____-____-8___-____-____________'
  and t."tenantId"::text <> all ($1);
