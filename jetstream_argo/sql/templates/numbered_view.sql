-- One row per enrolled analysis unit, branch and window, which has a number beside its name.
SELECT r.*, CAST(r.window_index AS INT64) AS window_number
FROM {{rows}} AS r
