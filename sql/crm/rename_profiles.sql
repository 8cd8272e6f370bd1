update staged_customer_profiles s
set "id" = t."id"
from load_renamed n
join "CustomerProfile" t on t."id"::text = n.target_id
where n.id = s."id"::text;
