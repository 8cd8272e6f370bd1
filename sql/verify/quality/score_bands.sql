SELECT
CASE
WHEN "engagementScore" >= 80 THEN 'High (80-100)'
WHEN "engagementScore" >= 50 THEN 'Medium (50-79)'
WHEN "engagementScore" >= 20 THEN 'Low (20-49)'
ELSE 'Very Low (0-19)'
END AS score_band,
COUNT(*)
FROM "CustomerProfile"
GROUP BY 1;
