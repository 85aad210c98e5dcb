"""The commands `load` and `tables`, as a person types them."""

from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_is_loaded_and_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "orders.csv").write_text("id,day,amount\na,2026-05-04,1.5\nb,2026-05-05,2\n")

    assert exit_code_of(["load", "shop.orders", "orders.csv", "--type", "id=STRING"]) == 0
    assert "shop.orders: 2 rows from orders.csv, into .jetstream" in capsys.readouterr().out
    assert exit_code_of(["load", "shop.orders", "orders.csv", "--append"]) == 0
    capsys.readouterr()
    assert exit_code_of(["tables"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "shop.orders: 4 rows, day 2026-05-04 … 2026-05-05",
        "  id STRING, day DATE, amount FLOAT64",
    ]


def test_standard_input_is_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    class _Stdin:
        buffer = (folder / "in").open("wb+")

    _Stdin.buffer.write(b"id,day\n1,2026-05-04\n2,x\n")
    _Stdin.buffer.seek(0)
    monkeypatch.setattr("sys.stdin", _Stdin)

    code = exit_code_of(["load", "shop.orders", "-", "--type", "day=DATE"])

    _Stdin.buffer.close()
    assert code == 2
    assert "standard input:\n  line 3, column day: 'x' is no DATE" in capsys.readouterr().err


def test_an_empty_warehouse_says_how_to_fill_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["tables"]) == 0

    assert "jetstream-argo load DATASET.TABLE FILE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("load shop.orders", "Missing argument"),
        ("load shop.orders none.csv", "there is no such file"),
        ("load shop.orders in.csv --warehouse bigquery:p", "load into BigQuery with `bq load`"),
        ("load shop.orders in.csv --type day", "is not COLUMN=TYPE"),
        ("load shop.orders in.csv --no-header", "needs --columns"),
        ("load shop.orders in.csv --delimiter ab", "has several characters"),
    ],
)
def test_what_cannot_be_loaded_says_why(folder: Path, words: str, message: str, capsys) -> None:
    (folder / "in.csv").write_text("a\n1\n")

    assert exit_code_of(words.split()) == 2
    assert message in capsys.readouterr().err
