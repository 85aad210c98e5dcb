"""`init` writes a configuration that can be run at once, from tables that are there."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.config.files.experiment_file import load_experiment_file
from jetstream_argo.config.periods import Period
from jetstream_argo.loading.load import load_frame
from jetstream_argo.loading.options import reading_options
from jetstream_argo.plan.planner import ConfigSources, plan_experiment
from jetstream_argo.validate.found import found_by
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EmbeddedEngine:
    """The default warehouse of an empty folder, where commands run."""
    monkeypatch.chdir(tmp_path)
    return EmbeddedEngine(Path(".jetstream"))


def _load(engine: EmbeddedEngine, table: str, **columns: object) -> None:
    load_frame(engine, table, pa.table(columns), reading_options(types={}))


def _shop(engine: EmbeddedEngine, experiment: str = "new-checkout") -> None:
    days = [date(2026, 5, 4), date(2026, 5, 6), date(2026, 5, 5)]
    _load(
        engine, "shop.assignments", customer_id=["a", "b", "c"], experiment=[experiment] * 3,
        variant=["old", "new", "new"], day=days,
    )  # fmt: skip
    _load(
        engine, "shop.orders", order_id=[1, 2], customer_id=["a", "b"], day=[date(2026, 4, 20), date(2026, 5, 30)],
        amount=[1.5, 2.0], returned=[True, False],
    )  # fmt: skip


def test_what_the_tables_say_is_written_and_can_be_run(engine: EmbeddedEngine, capsys) -> None:
    _shop(engine)

    assert exit_code_of(["init"]) == 0

    printed = capsys.readouterr().out
    assert "wrote new-checkout.toml: new-checkout, branches old (1 unit), new (2 units), from 2026-05-04 to" in printed
    assert "jetstream-argo run new-checkout.toml --as-of 2026-05-31" in printed
    read = load_experiment_file(Path("new-checkout.toml"))
    assert [branch.slug for branch in read.experiment.branches] == ["old", "new"]
    assert read.experiment.reference_branch == "old"
    assert (read.experiment.start_date, read.experiment.end_date) == (date(2026, 5, 4), date(2026, 5, 31))
    assert set(read.spec.metrics) == {"orders_count", "orders_amount", "orders_returned"}
    assert [period.name for period in read.spec.periods[Period.PREENROLLMENT_WEEK]] == ["orders_count", "orders_amount"]
    planned = plan_experiment("new-checkout.toml", ConfigSources(), as_of=date(2026, 5, 31))
    assert found_by(planned.plan, engine, files=planned.files) == ()
    assert exit_code_of(["run", "new-checkout.toml", "--as-of", "2026-05-31", "--jobs", "1"]) == 0


def test_one_table_without_dates_is_enough_if_somebody_says_when_it_began(engine: EmbeddedEngine, capsys) -> None:
    _load(engine, "cats.players", userid=[1, 2, 3], version=["gate_30", "gate_40", "gate_40"], rounds=[3, 4, 5],
          retention_1=[True, False, True])  # fmt: skip

    assert exit_code_of(["init", "--slug", "gates"]) == 2
    assert "--start-date: is missing" in capsys.readouterr().err

    assert exit_code_of(["init", "--slug", "gates", "--start-date", "2026-05-04"]) == 0
    planned = plan_experiment("gates.toml", ConfigSources(), as_of=date(2026, 5, 31))
    assert found_by(planned.plan, engine, files=planned.files) == ()
    names = {metric.name for metric in planned.plan.metrics}
    assert names == {"players_count", "players_rounds", "players_retention_1"}


def test_what_cannot_be_guessed_is_asked_for_by_its_option(engine: EmbeddedEngine, capsys) -> None:
    _load(engine, "shop.who", person=["a", "b"], side=["x", "y"], day=[date(2026, 5, 4)] * 2)

    assert exit_code_of(["init"]) == 2
    assert "--assignments: is missing, and cannot be guessed. Table of who" in capsys.readouterr().err
    assert exit_code_of(["init", "--assignments", "shop.who"]) == 2
    assert "--unit: is missing, and cannot be guessed. Column of shop.who" in capsys.readouterr().err
    assert exit_code_of(["init", "--assignments", "shop.who", "--unit", "person", "--branch", "sidee"]) == 2
    assert "has no column 'sidee' (--branch); there are person, side, day" in capsys.readouterr().err
    assert exit_code_of(["init", "--assignments", "shop.who", "--unit", "person", "--branch", "side"]) == 0


def test_of_several_experiments_one_is_chosen(engine: EmbeddedEngine, capsys) -> None:
    _load(engine, "shop.assignments", customer_id=["a", "b"], experiment=["one", "two"], variant=["old", "new"],
          day=[date(2026, 5, 4)] * 2)  # fmt: skip

    assert exit_code_of(["init"]) == 2
    assert "--slug: is missing, and cannot be guessed. Experiment, as in column experiment: one, two" in (
        capsys.readouterr().err
    )
    assert exit_code_of(["init", "--slug", "two"]) == 0
    assert [branch.slug for branch in load_experiment_file(Path("two.toml")).experiment.branches] == ["new"]


def test_a_file_that_is_there_stays_unless_it_is_to_be_replaced(engine: EmbeddedEngine, capsys) -> None:
    _shop(engine)
    Path("new-checkout.toml").write_text("mine")

    assert exit_code_of(["init"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert Path("new-checkout.toml").read_text() == "mine"
    assert exit_code_of(["init", "--force"]) == 0


def test_tables_that_are_missing_and_an_empty_warehouse_say_what_to_do(engine: EmbeddedEngine, capsys) -> None:
    assert exit_code_of(["init"]) == 2
    assert "has no tables; put files in: jetstream-argo load" in capsys.readouterr().err
    _shop(engine)
    assert exit_code_of(["init", "--assignments", "shop.asignments"]) == 2
    assert "did you mean 'shop.assignments'" in capsys.readouterr().err
    assert exit_code_of(["init", "--warehouse", "bigquery:p"]) == 2


@pytest.mark.parametrize("branch", ["it's new", 'say "new"', "neu-ö"])
def test_odd_names_of_branches_are_written_so_that_they_are_read(engine: EmbeddedEngine, branch: str) -> None:
    _load(engine, "shop.assignments", customer_id=["a", "b"], variant=["old", branch], day=[date(2026, 5, 4)] * 2)

    code = exit_code_of(["init", "--slug", "odd"])

    if code == 0:  # what no branch may be called is refused before anything is written
        assert branch in [branch.slug for branch in load_experiment_file(Path("odd.toml")).experiment.branches]
    else:
        assert not Path("odd.toml").exists()
