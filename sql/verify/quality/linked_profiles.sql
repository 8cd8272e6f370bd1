SELECT
COUNT(*) AS total,
COUNT("sclMemberId") AS has_scl,
COUNT("teetimePlayerId") AS has_teetime,
COUNT("messagingContactId") AS has_messaging,
COUNT(CASE WHEN "sclMemberId" IS NOT NULL AND "teetimePlayerId" IS NOT NULL THEN 1 END) AS scl_and_teetime,
COUNT(CASE WHEN "sclMemberId" IS NOT NULL AND "teetimePlayerId" IS NOT NULL AND "messagingContactId" IS NOT NULL THEN 1 END) AS all_three
FROM "CustomerProfile";
