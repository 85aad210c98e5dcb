"""What may stand between FROM and an alias."""

import pytest

from jetstream_argo.dialect.from_clause import relation
from jetstream_argo.dialect.literals import without_raw_bytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shop.orders", "shop.orders"),
        ("shop.orders -- all of them", "shop.orders"),
        ("`a-b.shop.orders`  # all of them\n", "`a-b.shop.orders`"),
        ("shop.orders /* all */ AS o /* of them */", "shop.orders"),
        ("a-b.shop.orders o", "a-b.shop.orders"),
        ("shop.orders AS `my orders`", "shop.orders"),
        ("(SELECT * FROM shop.orders -- all\n) AS o -- of them", "(SELECT * FROM shop.orders -- all\n)"),
        ("(SELECT * FROM a.b UNION ALL SELECT * FROM a.c) u", "(SELECT * FROM a.b UNION ALL SELECT * FROM a.c)"),
        ("SELECT * FROM shop.orders -- all", "(SELECT * FROM shop.orders)"),
        ("a.b AS x JOIN a.c AS y USING (id) -- both", "(SELECT * FROM a.b AS x JOIN a.c AS y USING (id))"),
        ("a.b, UNNEST(x) AS y", "(SELECT * FROM a.b, UNNEST(x) AS y)"),
        ("a.b AS x WHERE x.y", "(SELECT * FROM a.b AS x WHERE x.y)"),
        ("-- all\na.`b_*`", "-- all\na.`b_*`"),
        ("(SELECT 1", "(SELECT 1"),
        ("", ""),
    ],
)
def test_an_alias_can_follow(text: str, expected: str) -> None:
    assert relation(text) == expected
    assert relation(expected) == expected


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        (r"rb'\d+\n'", r"b'\\d+\\n'"),
        (r'Br"it\"s"', r'b"it\\\"s"'),
        ("RB'''a\nb'\\''''", "b'''a\nb'\\\\\\''''"),
        (r"r'\d' || b'\\d' || rb", r"r'\d' || b'\\d' || rb"),
        ("-- rb'\\d'\n'rb' \"br'\\d'\" `rb'\\d'`", "-- rb'\\d'\n'rb' \"br'\\d'\" `rb'\\d'`"),
    ],
)
def test_raw_bytes_are_written_as_plain_ones(raw: str, plain: str) -> None:
    assert without_raw_bytes(f"SELECT {raw}") == f"SELECT {plain}"
