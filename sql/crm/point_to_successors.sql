update "CustomerProfile" t
set "mergedIntoId" = p."id", "updatedAt" = now()
from load_standing l
join "CustomerProfile" p on p."id"::text = l.successor
where l.id = t."id"::text
  and t."mergedIntoId" is distinct from p."id";
