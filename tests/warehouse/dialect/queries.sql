-- One line, one case: whole queries, whose rows may come in any order.
SELECT * FROM UNNEST([STRUCT(1 AS a, 'x' AS b), STRUCT(2, 'y')]) AS w
SELECT w.a, day, t.id FROM `d.t` AS t CROSS JOIN UNNEST([STRUCT(1 AS a, DATE '2026-01-01' AS day), STRUCT(2, NULL)]) AS w
SELECT w.k FROM UNNEST(ARRAY<STRUCT<k INT64, v STRING>>[(1, 'a'), (2, NULL)]) AS w WHERE w.v IS NULL
SELECT t.id, e FROM `d.t` AS t, UNNEST(t.strs) AS e
SELECT id, e.key, value FROM `d.t`, UNNEST(kv) AS e
SELECT id, key FROM `d.t`, UNNEST(kv)
SELECT t.id, e.value FROM `d.t` AS t, t.kv AS e
SELECT t.id, e.value FROM `d.t` AS t LEFT JOIN UNNEST(kv) AS e
SELECT id, v, o FROM `d.t`, UNNEST(arr) AS v WITH OFFSET AS o
SELECT id, v, offset FROM `d.t` CROSS JOIN UNNEST(arr) AS v WITH OFFSET
SELECT * EXCEPT (arr, strs, kv, ts, ts2, doc, st, num) REPLACE (n + 1 AS n) FROM `d.t` WHERE id < 3
SELECT b, COUNT(*) AS c FROM `d.t` GROUP BY ALL
SELECT b, n, SUM(x) AS total FROM `d.t` GROUP BY b, n HAVING COUNT(*) > 0
SELECT id FROM `d.t` WHERE n IS NOT NULL QUALIFY ROW_NUMBER() OVER (PARTITION BY b ORDER BY id) = 1
SELECT DISTINCT b FROM `d.t` UNION ALL SELECT TRUE UNION ALL SELECT NULL
SELECT id FROM `d.t` EXCEPT DISTINCT SELECT 1
WITH a AS (SELECT id, n FROM `d.t`), b AS (SELECT id, x FROM `d.t`) SELECT id, n, x FROM a JOIN b USING (id)
SELECT a.id, b.id AS other FROM `d.t` AS a LEFT JOIN `d.t` AS b ON a.n = b.n AND mozfun.map.get_key(b.kv, 'k') IS NOT NULL
SELECT a.id FROM `d.t` AS a WHERE EXISTS (SELECT 1 FROM `d.t` AS b WHERE b.n = a.n AND b.id <> a.id)
SELECT id FROM `d.t` WHERE d BETWEEN '2025-12-28' AND DATE_ADD('2025-12-28', INTERVAL 4 DAY)
SELECT id FROM `d.t` WHERE id IN (SELECT id FROM `d.t` WHERE b)
SELECT AVG(c) AS m FROM (SELECT b, COUNT(*) AS c FROM `d.t` GROUP BY b)
SELECT day, COUNT(t.id) AS c FROM UNNEST(GENERATE_DATE_ARRAY('2025-12-27', '2026-01-01')) AS day LEFT JOIN `d.t` AS t ON t.d = day GROUP BY day
SELECT x, ARRAY_AGG(STRUCT(id, strs) ORDER BY id LIMIT 1)[OFFSET(0)].strs AS first FROM `d.t` GROUP BY x
SELECT SUM((SELECT SUM(value) FROM UNNEST(mozfun.hist.extract(hist).values))) AS total FROM `d.t`
SELECT SUM(CAST(JSON_EXTRACT_SCALAR(hist, '$.sum') AS INT64)) AS total FROM `d.t`
SELECT w.number, COUNTIF(t.n > w.number) AS c FROM `d.t` AS t, UNNEST([STRUCT(0 AS number), STRUCT(5 AS number)]) AS w GROUP BY w.number
SELECT w.a, w.b FROM UNNEST([STRUCT(1 AS a, 'x' AS b), (2, 'y'), STRUCT(3, 'z')]) AS w
SELECT t.id, w.entity, e.key FROM `d.t` AS t CROSS JOIN UNNEST([STRUCT(kv AS list, 'one' AS entity), (kv, 'two')]) AS w CROSS JOIN UNNEST(w.list) AS e
SELECT id, e.* FROM `d.t` CROSS JOIN UNNEST(kv) AS e
SELECT * FROM (SELECT id, kv FROM `d.t`) CROSS JOIN UNNEST(kv) AS e
