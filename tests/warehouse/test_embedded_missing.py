"""A table that is missing says where it was looked for, what is there, and how to put it there."""

from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import NotFound
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write


def _with_tables(root: Path, *names: str) -> EmbeddedEngine:
    engine = EmbeddedEngine(root)
    for name in names:
        engine.load(name, [{"x": 1}], [Column("x", "INT64")], write=Write.TRUNCATE, labels={})
    return engine


def test_the_folder_what_is_in_it_and_the_command_are_named(tmp_path: Path) -> None:
    engine = _with_tables(tmp_path / "w h", "shop.orders", "shop.visits", "other.words")

    with pytest.raises(NotFound) as raised:
        engine.query(Sql("SELECT 1 FROM shop.order"), labels={})

    assert str(raised.value) == (
        "table 'shop.order' does not exist; did you mean 'shop.orders'? "
        f"looked in the folder {tmp_path / 'w h'}, which has shop.orders, shop.visits, other.words; "
        f"put a file in: jetstream-argo load shop.order FILE --warehouse 'embedded:{tmp_path / 'w h'}'"
    )


def test_an_empty_folder_says_so_and_a_wildcard_is_told_alike(tmp_path: Path) -> None:
    for table in ("shop.orders", "`shop.orders_*`"):
        with pytest.raises(NotFound, match=r"which has no tables yet; put a file in: jetstream-argo load shop\.orders"):
            EmbeddedEngine(tmp_path).query(Sql(f"SELECT 1 FROM {table}"), labels={})


def test_tables_of_experiments_are_neither_proposed_nor_to_be_loaded(tmp_path: Path) -> None:
    engine = _with_tables(tmp_path, "results.status_try_it_0a1b2c3d", "results.statistics_try_it_weekly")

    with pytest.raises(NotFound, match="which has no tables yet"):
        engine.query(Sql("SELECT 1 FROM shop.orders"), labels={})
    with pytest.raises(NotFound) as raised:
        engine.query(Sql("SELECT 1 FROM results.status_try_it_0a1b2c3e"), labels={})
    assert "load" not in str(raised.value)


@pytest.mark.parametrize("period", list(Period))
@pytest.mark.parametrize("basis", list(Basis))
def test_views_of_metrics_are_those_of_experiments_in_every_period(
    tmp_path: Path, basis: Basis, period: Period
) -> None:
    engine = _with_tables(tmp_path, names.values_view(names.Place("results", "try-it"), basis, period))

    with pytest.raises(NotFound, match="which has no tables yet"):
        engine.query(Sql("SELECT 1 FROM shop.orders"), labels={})


def test_the_default_folder_needs_no_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "checkout.toml").write_text(
        """
        [experiment]
        slug = "checkout"
        branches = ["old", "new"]
        start_date = 2026-05-04
        enrollment_period = 7
        end_date = 2026-06-01
        enrollment_query = "SELECT c AS analysis_id, v AS branch, d AS enrollment_date FROM shop.assignments"
        [data_sources.orders]
        from_expression = "shop.orders"
        client_id_column = "c"
        submission_date_column = "d"
        experiments_column_type = "none"
        [metrics]
        overall = ["n"]
        [metrics.n]
        data_source = "orders"
        select_expression = "COUNT(*)"
        [metrics.n.statistics.linear_model_mean]
        """
    )

    code = exit_code_of(["run", "checkout.toml", "--as-of", "2026-06-01"])

    printed = capsys.readouterr().err
    assert code == 2
    for table in ("shop.assignments", "shop.orders"):
        assert f"table {table!r} does not exist; looked in the folder {tmp_path / '.jetstream'}" in printed
        assert f"jetstream-argo load {table} FILE\n" in printed
