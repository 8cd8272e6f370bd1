select t."sourceService"::text, count(*)
from "SyncLog" t
where t."status"::text in ('PENDING', 'PROCESSING')
  and t."id"::text not like 'bf11____-____-8___-____-____________'
group by t."sourceService"
order by t."sourceService";
