SELECT category, COUNT(*) FROM "Activity" GROUP BY category;
