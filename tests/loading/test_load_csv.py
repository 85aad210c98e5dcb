"""What CSV files become: each oddity is read right or refused with file, line, column and what to do."""

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from jetstream_argo.errors import ConfigError, InvalidQuery
from jetstream_argo.loading.load import Loaded, load_named
from jetstream_argo.loading.options import reading_options
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.duckdb.limits import Limits


class _Shop:
    """A warehouse, and a folder of files to load into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = EmbeddedEngine(folder / "warehouse")

    def file(self, text: str | bytes, name: str = "orders.csv") -> str:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    def load(self, text: str | bytes, *, append: bool = False, **options: object) -> Loaded:
        return load_named(self.engine, "shop.orders", [self.file(text)], _options(**options), append=append)

    def rows(self) -> list[tuple[object, ...]]:
        return list(self.engine.query(Sql("SELECT * FROM shop.orders"), labels={}).rows)


_moment = datetime.fromisoformat


def _options(**options: object):  # type: ignore[no-untyped-def]  # test's shorthand
    return reading_options(**{"types": {}, **options})


@pytest.fixture
def shop(tmp_path: Path) -> _Shop:
    return _Shop(tmp_path)


def _types(loaded: Loaded) -> dict[str, str]:
    return {column.name: column.type for column in loaded.columns}


def _notes(loaded: Loaded) -> str:
    return "\n".join(loaded.lines())


@pytest.mark.parametrize(
    ("values", "type_", "rows"),
    [
        (["1", "+2", "-3"], "INT64", [1, 2, -3]),
        (["1", "2.5", ".5", "1e3", "3."], "FLOAT64", [1.0, 2.5, 0.5, 1000.0, 3.0]),
        (["true", "FALSE"], "BOOL", [True, False]),
        (["2026-05-04", "2026-12-31"], "DATE", [date(2026, 5, 4), date(2026, 12, 31)]),
        (["31.12.2026", "1.2.2026"], "DATE", [date(2026, 12, 31), date(2026, 2, 1)]),
        (["2026/1/31"], "DATE", [date(2026, 1, 31)]),
        (["31/01/2026", "01/02/2026"], "DATE", [date(2026, 1, 31), date(2026, 2, 1)]),
        (["01/31/2026", "01/02/2026"], "DATE", [date(2026, 1, 31), date(2026, 1, 2)]),
        (["2026-05-04T00:00:00", "2026-05-05 00:00"], "DATE", [date(2026, 5, 4), date(2026, 5, 5)]),
        (["2026-05-04 10:30:00", "2026-05-05"], "DATETIME", [_moment('2026-05-04T10:30'), _moment('2026-05-05')]),
        (["2026-05-04T10:30:00+02:00"], "TIMESTAMP", [datetime(2026, 5, 4, 8, 30, tzinfo=UTC)]),
        (["2026-05-04 10:30:00 UTC"], "TIMESTAMP", [datetime(2026, 5, 4, 10, 30, tzinfo=UTC)]),
        (["0042", "17"], "STRING", ["0042", "17"]),
        (["18446744073709551615", "1"], "STRING", ["18446744073709551615", "1"]),
        (["9223372036854775807", "-9223372036854775808"], "INT64", [2**63 - 1, -(2**63)]),
        (["1", "NA", "2"], "INT64", [1, None, 2]),
        (["NA", "DE"], "STRING", ["NA", "DE"]),
        (["2026-02-30", "2026-05-04", "x"], "STRING", ["2026-02-30", "2026-05-04", "x"]),
        (['"1,234.5"', '"12"'], "FLOAT64", [1234.5, 12.0]),
        (['"1.234,5"', '"12"'], "FLOAT64", [1234.5, 12.0]),
        (['"0,125"', '"1,5"'], "FLOAT64", [0.125, 1.5]),
        ([" 5 ", "6"], "INT64", [5, 6]),
        (["20260504", "20260505"], "INT64", [20260504, 20260505]),
    ],
)  # fmt: skip
def test_values_are_of_the_type_that_all_of_them_have(
    shop: _Shop, values: list[str], type_: str, rows: list[object]
) -> None:
    loaded = shop.load("\n".join(["id,x", *(f"{place},{value}" for place, value in enumerate(values))]))

    assert _types(loaded)["x"] == type_
    assert [row[1] for row in sorted(shop.rows(), key=lambda row: int(str(row[0])))] == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "orders.csv:\n  is empty"),
        ("\n\n", "is empty"),
        ("id,day\n", "has columns and no rows"),
        ("1,2026-05-04\n2,2026-05-05\n", "line 1: the first line holds values such as '1'.*--no-header --columns"),
        ("id,day,id\n1,2,3\n", r"'id' \(column 1\) and 'id' \(column 3\) would be one column"),
        ("id,Id\n1,2\n", "would be one column"),
        ("id,_PARTITIONTIME\n1,2\n", "BigQuery keeps for itself"),
        ("id,day\n1,2\n3\n", "line 3: has 1 columns where the header has 2: '3'"),
        ("id,day\n1,2\n\n3,4,5\n", "line 4: has 3 columns where the header has 2"),
        ('id,day\n1,"2\n3,4\n', "line 2: begins a quote that does not end"),
        ("id,day\n1,03/04/2026\n2,05/06/2026\n", "line 2, column day: '03/04/2026' may begin with day or month"),
        ('id,amount\n1,7\n2,"1,234"\n', "line 3, column amount: '1,234' may have a comma for decimals or for thou"),
        ("sep=;\nid;day\n1;2\n", "line 1: is Excel's hint on what separates columns"),
        ("id,day\r\n1,2\n3,4\r\n", "mixes ends of lines"),
        ("# shop\nid,day\n1,2\n", "line 2: has 2 columns where the header has 1"),
        ("id,name\n1,ä\n".encode("latin-1"), "is not UTF-8; say how the file is written, such as --encoding latin-1"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_place_and_advice(shop: _Shop, text: str | bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=f"orders.csv:\n.*{message.removeprefix('orders.csv:' + chr(10))}"):
        shop.load(text)

    assert shop.engine.info("shop.orders") is None


@pytest.mark.parametrize(
    ("type_", "value", "place"),
    [
        ("INT64", "1.5", "line 4"),
        ("INT64", "9223372036854775808", "line 4"),
        ("FLOAT64", "abc", "line 4"),
        ("DATE", "2026-02-30", "line 4"),
        ("DATE:%d/%m/%Y", "31/31/2026", "line 4"),
        ("BOOL", "maybe", "line 4"),
        ("TIMESTAMP", "noon", "line 4"),
    ],
)
def test_a_value_that_is_not_of_the_type_asked_for_is_named_with_its_line(
    shop: _Shop, type_: str, value: str, place: str
) -> None:
    text = f'id,x,note\n1,,"two\nlines"\n2,{value},\n'

    with pytest.raises(ConfigError, match=rf"{place}, column x: {value!r} is no {type_.partition(':')[0]}"):
        shop.load(text, types={"x": type_})


def test_lines_are_counted_in_packed_files_and_past_empty_lines(shop: _Shop) -> None:
    text = "id,x\r\n1,2\r\n\r\n\r\n2,abc\r\n"

    with pytest.raises(ConfigError, match="line 5, column x: 'abc'"):
        shop.load(gzip.compress(text.encode()), types={"x": "INT64"})


def test_a_column_of_several_kinds_is_text_and_says_what_keeps_it_from_being_numbers(shop: _Shop) -> None:
    loaded = shop.load("id,x\n1,10\n2,20\n3,ten\n4,40\n")

    assert _types(loaded)["x"] == "STRING"
    assert "1 of 4 values are no INT64, the first 'ten'" in _notes(loaded)
    assert "orders.csv, line 4" in _notes(loaded)


def test_missing_values_are_what_is_empty_and_what_is_named(shop: _Shop) -> None:
    loaded = shop.load('id,x,name\n1,5,a\n2,,\n3,n.a.,""\n', nulls=("n.a.",))

    assert _types(loaded) == {"id": "INT64", "x": "INT64", "name": "STRING"}
    assert sorted(shop.rows(), key=str) == [(1, 5, "a"), (2, None, None), (3, None, "")]


def test_what_was_recognised_is_told(shop: _Shop) -> None:
    loaded = shop.load(
        "id;day;paid;at;n\n1;2026-05-04;1,5;2026-05-04 10:00;20260504\n2;2026-05-05;NA;2026-05-05;20260505\n"
    )

    notes = _notes(loaded)
    for part in (
        "separated by semicolon", "2026-05-04 … 2026-05-05; dates", "with a decimal comma", "1 missing values spelled",
        "times without a zone; if they are in UTC: --type at=TIMESTAMP", "if they are dates: --type n=DATE:%Y%m%d",
    ):  # fmt: skip
        assert part in notes


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_columns_are_separated_as_the_first_line_shows(shop: _Shop, delimiter: str) -> None:
    shop.load(delimiter.join(["id", '"a b, c"']) + "\n" + delimiter.join(["1", '"x; y, z|\t"']) + "\n")

    assert shop.rows() == [(1, "x; y, z|\t")]


def test_names_that_bigquery_would_not_take_are_changed_and_told(shop: _Shop) -> None:
    loaded = shop.load(",Order ID,Größe (cm),2nd\n0,a,b,c\n")

    assert list(_types(loaded)) == ["column_1", "Order_ID", "Grosse_cm", "_2nd"]
    assert "'Order ID' is called Order_ID" in _notes(loaded)


def test_a_type_may_be_given_by_the_name_that_the_file_has(shop: _Shop) -> None:
    assert _types(shop.load("Order ID\n17\n", types={"Order ID": "STRING"})) == {"Order_ID": "STRING"}
    assert _types(shop.load("Order ID\n17\n", types={"Order_ID": "STRING"})) == {"Order_ID": "STRING"}


def test_a_file_without_header_takes_names(shop: _Shop) -> None:
    loaded = shop.load("1,2026-05-04\n2,2026-05-05\n", columns=("id", "day"), has_header=False)

    assert _types(loaded) == {"id": "INT64", "day": "DATE"}
    assert loaded.rows == 2


def test_the_whole_file_decides_and_not_its_beginning(shop: _Shop) -> None:
    numbers = "".join(f"{place},{place}\n" for place in range(5_000))

    loaded = shop.load(f"id,x\n{numbers}5000,late\n")

    assert _types(loaded) == {"id": "INT64", "x": "STRING"}
    assert "line 5002" in _notes(loaded)


def test_marks_of_byte_order_other_encodings_and_line_ends_are_understood(shop: _Shop) -> None:
    shop.load("\ufeffid,name\r\n1,x\r\n".encode())
    assert shop.rows() == [(1, "x")]

    shop.load("id,name\n1,ä\n".encode("latin-1"), encoding="latin-1")
    assert shop.rows() == [(1, "ä")]


def test_files_of_a_pattern_are_one_table_whatever_the_order_of_their_columns(shop: _Shop) -> None:
    shop.file("id,day\n1,2026-05-04\n", "o-1.csv")
    shop.file(gzip.compress(b"day;id\n2026-05-05;2\n"), "o-2.csv.gz")

    loaded = load_named(shop.engine, "shop.orders", [str(shop.folder / "o-*")], _options())

    assert loaded.rows == 2
    assert sorted(shop.rows()) == [(1, date(2026, 5, 4)), (2, date(2026, 5, 5))]


def test_a_packed_file_takes_no_more_memory_than_a_warehouse_is_given(tmp_path: Path) -> None:
    shop = _Shop(tmp_path)
    shop.engine = EmbeddedEngine(tmp_path / "small", limits=Limits(memory_mib=512))

    load_named(shop.engine, "shop.orders", [shop.file(gzip.compress(b"id\n1\n"), "o.csv.gz")], _options())

    assert shop.rows() == [(1,)]


def test_a_file_of_other_columns_is_named(shop: _Shop) -> None:
    shop.file("id,day\n1,2026-05-04\n", "o-1.csv")
    shop.file("id,date\n1,2026-05-04\n", "o-2.csv")

    with pytest.raises(ConfigError, match=r"o-2.csv:\n.*lacks day and has date"):
        load_named(shop.engine, "shop.orders", [str(shop.folder / "o-*.csv")], _options())


def test_rows_are_replaced_or_added_in_the_types_that_the_table_has(shop: _Shop) -> None:
    shop.load("id,x\n1,1.5\n")
    shop.load("id,x,y\n2,2,new\n", append=True)
    assert sorted(shop.rows()) == [(1, 1.5, None), (2, 2.0, "new")]

    with pytest.raises(ConfigError, match="line 2, column x: 'abc' is no FLOAT64"):
        shop.load("id,x\n3,abc\n", append=True)

    shop.load("id\n9\n")
    assert shop.rows() == [(9,)]


def test_a_type_for_a_column_that_is_not_there_names_the_nearest(shop: _Shop) -> None:
    with pytest.raises(ConfigError, match=r"has no column 'amuont'.*did you mean 'amount'"):
        shop.load("id,amount\n1,2\n", types={"amuont": "FLOAT64"})
    with pytest.raises(ConfigError, match="'FLOOT' is no type of a column; did you mean 'FLOAT64'"):
        shop.load("id,amount\n1,2\n", types={"amount": "FLOOT"})


def test_files_and_tables_that_cannot_be_are_refused(shop: _Shop) -> None:
    for named, message in (("none.csv", "there is no such file"), ("none-*.csv", "no file has such a name")):
        with pytest.raises(ConfigError, match=message):
            load_named(shop.engine, "shop.orders", [str(shop.folder / named)], _options())
    with pytest.raises(InvalidQuery, match="'orders' is not a table's name"):
        load_named(shop.engine, "orders", [shop.file("a\nb\n")], _options())


def test_a_file_that_is_called_like_a_pattern_is_that_file(shop: _Shop) -> None:
    for name, number in (("o*.csv", 1), ("o[1].csv", 2), ("o1.csv", 3), ("o'q.csv", 4)):
        shop.file(f"id\n{number}\n", name)

    for name, number in (("o*.csv", 1), ("o[1].csv", 2), ("o'q.csv", 4)):
        load_named(shop.engine, "shop.orders", [str(shop.folder / name)], _options())
        assert shop.rows() == [(number,)]


def test_a_file_that_is_called_gz_and_is_not_is_refused(shop: _Shop) -> None:
    with pytest.raises(ConfigError, match="is not packed by gzip, as its name says"):
        load_named(shop.engine, "shop.orders", [shop.file("id\n1\n", "o.csv.gz")], _options())
    packed = gzip.compress(b"id,day\n1,2026-05-04\n" * 100)
    with pytest.raises(ConfigError, match=r"o\.csv\.gz:\n.*cannot be read"):
        load_named(shop.engine, "shop.orders", [shop.file(packed[:-20], "o.csv.gz")], _options())
