-- One line, one case: select lists over all rows of d.t, over no rows, and by group.
COUNTIF(b), COUNTIF(n > 100), COUNTIF(NULL)
SUM(n), SUM(x), AVG(n), MIN(s), MAX(d), COUNT(b), COUNT(*), COUNT(DISTINCT n)
LOGICAL_OR(b), LOGICAL_AND(b), LOGICAL_OR(n > 100)
STDDEV(x), STDDEV_POP(n), VAR_SAMP(x), VARIANCE(n), VAR_POP(x), CORR(n, x), COVAR_SAMP(n, x), COVAR_POP(n, x)
BIT_AND(n), BIT_OR(n), BIT_XOR(n)
MAX_BY(s, x), MIN_BY(s, x), MAX_BY(b, id), MAX_BY(STRUCT(id, s), x), ANY_VALUE(n HAVING MAX id)
ARRAY_AGG(n IGNORE NULLS ORDER BY id LIMIT 2)
ARRAY_AGG(s IGNORE NULLS ORDER BY x DESC, id)
ARRAY_AGG(id ORDER BY x LIMIT 3)
ARRAY_AGG(STRUCT(id, n AS m) ORDER BY id)
ARRAY_CONCAT_AGG(arr ORDER BY id)
ARRAY_LENGTH(ARRAY_AGG(DISTINCT n IGNORE NULLS)), ARRAY_LENGTH(ARRAY_CONCAT_AGG(strs))
STRING_AGG(s, '|' ORDER BY id), STRING_AGG(DISTINCT s ORDER BY s)
SUM(IF(b, n, 0)), SUM(CASE WHEN n > 1 THEN x WHEN n < 0 THEN -1 ELSE 0 END)
SAFE_DIVIDE(SUM(n), COUNTIF(s = 'none')), SUM(n) / COUNT(*), SUM(x) / 4
mozfun.stats.mode_last(ARRAY_AGG(s ORDER BY id))
COALESCE(mozfun.hist.percentiles(mozfun.hist.merge(ARRAY_AGG(mozfun.hist.extract(hist) IGNORE NULLS)), [0.5, 0.95])[SAFE_OFFSET(0)].value, 0)
mozfun.hist.merge(ARRAY_AGG(mozfun.hist.extract(hist) IGNORE NULLS ORDER BY id)).sum
