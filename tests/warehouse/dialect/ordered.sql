-- One line, one case: whole queries, whose rows have an order.
SELECT n FROM `d.t` ORDER BY n, id
SELECT n FROM `d.t` ORDER BY n DESC, id
SELECT id FROM `d.t` ORDER BY s DESC, id LIMIT 3 OFFSET 1
