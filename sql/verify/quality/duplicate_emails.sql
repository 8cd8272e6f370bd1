SELECT email, COUNT(*) AS count
FROM "CustomerProfile"
WHERE email IS NOT NULL
GROUP BY email
HAVING COUNT(*) > 1;
