-- One row per basis, window and branch with units: moments of a value and its covariate, as clipped, for each segment.
WITH {{units}},
all_units AS (
  SELECT
    {{covariate}},
    {{all_weights}}
  FROM {{all_units}} AS u
),
everybody AS (
  SELECT
    {{everybody}}
  FROM all_units AS u
  WHERE u.x IS NOT NULL
),
sizes AS (
  SELECT
    t.basis,
    t.window_index,
    {{complete}}
  FROM treated AS t
  GROUP BY t.basis, t.window_index
),
orders AS (
  SELECT
    w.basis,
    w.window_index,
    IF({{are_all}}, '', w.basis) AS order_basis,
    IF({{are_all}}, 0, w.window_index) AS order_window
  FROM sizes AS w
  CROSS JOIN everybody AS a
),
covariates AS (
  SELECT
    c.basis,
    c.window_index,
    c.x,
    {{covariates}}
  FROM (
    SELECT '' AS basis, 0 AS window_index, u.x, {{all_covariates}}
    FROM all_units AS u
    WHERE u.x IS NOT NULL
    UNION ALL
    SELECT t.basis, t.window_index, t.x, {{own_covariates}}
    FROM treated AS t
    INNER JOIN orders AS o
      ON o.order_basis = t.basis AND o.order_window = t.window_index
    WHERE t.x IS NOT NULL
  ) AS c
  GROUP BY c.basis, c.window_index, c.x
),
{{of_y}},
{{of_x}},
limits_y AS (
  SELECT
    p.basis,
    p.window_index,
    {{limits_y}}
  FROM of_y AS p
),
scales_y AS (
  SELECT
    l.*,
    {{scales_y}}
  FROM limits_y AS l
),
limits_x AS (
  SELECT
    p.basis,
    p.window_index,
    {{limits_x}}
  FROM of_x AS p
),
scales_x AS (
  SELECT
    l.*,
    {{scales_x}}
  FROM limits_x AS l
),
reached AS (
  SELECT
    d.*,
    {{reached}}
  FROM of_both_ranks AS d
),
blocks AS (
  SELECT
    m.basis,
    m.window_index,
    m.value,
    {{on_blocks}},
    s.* EXCEPT (basis, window_index)
  FROM reached AS m
  INNER JOIN scales_x AS s
    ON s.basis = m.basis AND s.window_index = m.window_index
),
reference_values AS (
  SELECT
    m.basis,
    m.window_index,
    {{qbars}}
  FROM blocks AS m
  GROUP BY m.basis, m.window_index
),
of_window AS (
  SELECT
    o.basis AS own_basis,
    o.window_index AS own_window,
    x.*,
    q.* EXCEPT (basis, window_index)
  FROM orders AS o
  INNER JOIN scales_x AS x
    ON x.basis = o.order_basis AND x.window_index = o.order_window
  LEFT JOIN reference_values AS q
    ON q.basis = o.order_basis AND q.window_index = o.order_window
),
standard AS (
  SELECT
    {{standard}}
  FROM treated AS t
  LEFT JOIN scales_y AS y
    ON y.basis = t.basis AND y.window_index = t.window_index
  LEFT JOIN of_window AS x
    ON x.own_basis = t.basis AND x.own_window = t.window_index
),
alike AS (
  SELECT
    {{sums}}
  FROM standard AS s
  GROUP BY {{alike}}
),
sums AS (
  SELECT
    {{columns}}
  FROM alike AS s
  GROUP BY s.basis, s.window_index, s.branch
)
SELECT
  s.*,
  {{found}}
FROM sums AS s
LEFT JOIN scales_y AS y
  ON y.basis = s.basis AND y.window_index = s.window_index
LEFT JOIN of_window AS x
  ON x.own_basis = s.basis AND x.own_window = s.window_index
