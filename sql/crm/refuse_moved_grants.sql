update "MarketingConsent" t
set
  "status" = f."status",
  "consentedAt" = null,
  "revokedAt" = f."revokedAt",
  "evidence" = f."evidence",
  "updatedAt" = now()
from load_refused f
where t."id" = f."id";
