"""A text that is parsed in pieces gives the tree, or the error, that it gives as a whole."""

import pytest
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError

from jetstream_argo.warehouse.duckdb.pieces import parse

TEXTS = (
    "SELECT 1",
    "SELECT * FROM (SELECT a, b FROM d.t AS t, t.x) AS s JOIN (SELECT c FROM d.u) AS r ON s.a = r.c, s.b",
    "SELECT * FROM ((SELECT 1 AS a) UNION ALL (SELECT 2)) ORDER BY a LIMIT 1",
    "SELECT * FROM (WITH w AS (SELECT * FROM (SELECT 1 AS a)) SELECT * FROM w UNION DISTINCT SELECT 2) AS s",
    "WITH RECURSIVE w AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM (SELECT a FROM w) WHERE a < 9) SELECT a FROM w",
    "SELECT * FROM ( -- before\n  SELECT a -- after a\n  FROM d.t -- after d.t\n) /* the end */ AS s -- of all",
    "SELECT * FROM /* x */ (/* y */ SELECT /* z */ a FROM (SELECT 1 AS a /* w */))",
    "SELECT x.a, o FROM UNNEST([STRUCT(1 AS a, 'b' AS b), (2, 'c')]) AS x WITH OFFSET AS o WHERE a IN UNNEST([1, 2])",
    "SELECT * FROM d.t AS t LEFT JOIN UNNEST([1, /* two */ 2]) AS x ON t.a = x, UNNEST(t.b), t.c AS c",
    "SELECT ARRAY(SELECT y FROM UNNEST([(SELECT MAX(z) FROM (SELECT 1 AS z))]) AS y) FROM (SELECT 1)",
    "SELECT * FROM (SELECT * FROM d.t) PIVOT (SUM(a) FOR b IN ('x', 'y')) TABLESAMPLE SYSTEM (1 PERCENT)",
    "SELECT * FROM (SELECT * FROM d.t PIVOT (SUM(a) FOR b IN ('x', 'y'))) AS s",
    "FROM (SELECT 1 AS a) |> WHERE a > 0 |> SELECT a",
    "SELECT * FROM (SELECT 1; SELECT 2)",
    "SELECT * FROM (SELECT 1) AS a; SELECT * FROM (SELECT 2) AS b",
    "SELECT * FROM (SELECT 1",
    "SELECT * FROM (SELECT 1))",
    "SELECT * FROM (SELECT FROM WHERE) AS s",
    "SELECT *\nFROM (SELECT a FROM d.t WHERE) AS s",
    "SELECT * FROM UNNEST([1, 2) AS x",
    "SELECT * FROM UNNEST([1], [2]) AS x",
    "SELECT * FROM UNNEST([1, 2][OFFSET(0)]) AS x",
)


def described(text: str, *, in_pieces: bool) -> object:
    bigquery = Dialect.get_or_raise("bigquery")
    tokens = bigquery.tokenize(text)
    try:
        statements = parse(bigquery, tokens, text) if in_pieces else bigquery.parser().parse(tokens, text)
    except ParseError as error:
        return error.errors
    return [None if statement is None else statement.dump() for statement in statements]


@pytest.mark.parametrize("text", TEXTS)
def test_pieces_are_put_together_to_the_whole(text: str) -> None:
    assert described(text, in_pieces=True) == described(text, in_pieces=False)
