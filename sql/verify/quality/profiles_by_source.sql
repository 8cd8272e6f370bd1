SELECT source, COUNT(*) FROM "CustomerProfile" GROUP BY source;
