"""An analysis from Python: frames in, frames out, and the numbers that scipy gives on the same rows."""

import subprocess
import sys
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

import jetstream_argo as ja
from jetstream_argo.errors import ConfigError, PlanError
from jetstream_argo.notebook.results import Results

_EXAMPLE = Path(__file__).parents[2] / "examples" / "shop"


def _cats(players: int = 3_000) -> pd.DataFrame:
    """Rows of the shape of Cookie Cats: a player a row, which gate they met, and whether they came back."""
    rng = np.random.default_rng(7)
    gate = rng.integers(2, size=players)
    rounds = rng.negative_binomial(0.4, 0.4 / (50 + 3 * gate + 0.4))
    return pd.DataFrame(
        {
            "userid": rng.permutation(10 * players)[:players],
            "version": np.where(gate == 1, "gate_40", "gate_30"),
            "sum_gamerounds": rounds,
            "retention_1": rng.random(players) < 0.44 - 0.02 * gate,
            "retention_7": rng.random(players) < 0.19 - 0.02 * gate,
        }
    )


def _analysed(cats: pd.DataFrame, folder: Path) -> Results:
    day, activity, unclipped = "2026-05-04", {"data_source": "players"}, {"drop_highest": 0}
    rows = f"(SELECT *, DATE '{day}' AS day FROM cats.players)"
    config = ja.Configuration(
        slug="gates", branches=["gate_30", "gate_40"], reference_branch="gate_30", start_date=day, enrollment_period=1,
        end_date="2026-05-11",
        enrollment_query=f"SELECT userid AS analysis_id, version AS branch, day AS enrollment_date FROM {rows}",
        data_sources={"players": {"from_expression": rows, "client_id_column": "userid",
                                  "submission_date_column": "day", "experiments_column_type": "none"}},
        metrics={
            "rounds": activity | {"select_expression": "SUM(sum_gamerounds)", "statistics": {"welch_mean": unclipped}},
            "day_7": activity | {"select_expression": "LOGICAL_OR(retention_7)", "statistics": {"binomial": {}}},
        },
        overall=["rounds", "day_7"],
    )  # fmt: skip
    warehouse = f"embedded:{folder / 'w'}"
    return ja.analyse(config, tables={"cats.players": cats}, as_of="2026-05-11", warehouse=warehouse).results


def test_what_scipy_gives_on_the_same_rows_is_what_comes_out(tmp_path: Path) -> None:
    cats = _cats()

    found = _analysed(cats, tmp_path).frame()

    groups = dict(list(cats.groupby("version")))
    old, new = (groups[gate]["sum_gamerounds"] for gate in ("gate_30", "gate_40"))
    test = stats.ttest_ind(new, old, equal_var=False)
    own = found[(found.metric == "rounds") & (found.comparison == "difference") & (found.branch == "gate_40")].iloc[0]
    interval = test.confidence_interval(0.95)
    assert own.p_value == pytest.approx(test.pvalue, rel=1e-9)
    assert (own.lower, own.upper) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert own.point == pytest.approx(new.mean() - old.mean(), rel=1e-9)
    shares = found[(found.metric == "day_7") & found.comparison.isna()].set_index("branch")
    for gate, rows in groups.items():
        posterior = stats.beta(rows.retention_7.sum() + 1, (~rows.retention_7).sum() + 1)
        assert shares.loc[gate].n_units == len(rows)
        assert shares.loc[gate, ["lower", "upper"]].tolist() == pytest.approx(posterior.ppf([0.025, 0.975]), rel=1e-6)


def test_frames_come_back_as_what_was_given_and_again_without_computing(tmp_path: Path) -> None:
    warehouse = f"embedded:{tmp_path / 'w'}"
    orders = pd.read_csv(_EXAMPLE / "orders.csv.gz", dtype={"order_id": str})
    tables = {"shop.orders": orders, "shop.assignments": pd.read_csv(_EXAMPLE / "assignments.csv")}

    analysis = ja.analyse(_EXAMPLE / "checkout.toml", tables=tables, as_of=date(2026, 6, 15), warehouse=warehouse)

    frame = analysis.results.frame()
    assert isinstance(frame, pd.DataFrame)
    assert not analysis.failed
    assert {"revenue", "orders", "basket"} <= set(frame.metric)
    assert [loaded.rows for loaded in analysis.loaded] == [len(orders), 3_000]
    arrow = {name: pa.Table.from_pandas(table) for name, table in tables.items()}
    again = ja.analyse(_EXAMPLE / "checkout.toml", tables=arrow, as_of="2026-06-15", warehouse=warehouse).results
    assert isinstance(again.frame(), pa.Table)
    assert again.frame("pandas").computed_at.tolist() == frame.computed_at.tolist()
    stored = ja.results("new-checkout", warehouse=warehouse)
    assert stored.table.num_rows == len(frame)
    _check_what_is_shown(stored, tmp_path)


def _check_what_is_shown(results: Results, folder: Path) -> None:
    assert any(line.startswith("overall 1, days") for line in str(results).splitlines()[:4])
    page = ElementTree.fromstring(results._repr_html_())
    assert next(str(heading.text) for heading in page.iter("h3")).startswith("Overall, days")
    assert {"script", "img", "link", "a"}.isdisjoint(element.tag for element in page.iter())
    drawing = ElementTree.parse(results.plot("revenue").save(folder / "revenue.svg")).getroot()
    marks = [element for element in drawing.iter() if "mark" in element.get("class", "").split()]
    assert len(marks) == 5 + 1  # weeks, and the legend
    with pytest.raises(PlanError, match="did you mean 'revenue'"):
        results.plot("revnue")
    with pytest.raises(PlanError, match="'basket' in others"):
        results.plot("basket", period="week")


def test_what_could_not_be_computed_is_told_and_the_rest_is_there(tmp_path: Path, capsys) -> None:
    text = (_EXAMPLE / "checkout.toml").read_text().replace("COUNT(order_id)", "COUNT(order_idd)", 1)
    (tmp_path / "checkout.toml").write_text(text)
    tables = {"shop.orders": str(_EXAMPLE / "orders.csv.gz"), "shop.assignments": [_EXAMPLE / "assignments.csv"]}
    options = {"tables": tables, "as_of": "2026-06-15", "warehouse": f"embedded:{tmp_path / 'w'}"}

    analysis = ja.analyse(tmp_path / "checkout.toml", **options)

    assert [failed.metric for failed in analysis.failed][:1] == ["orders"]
    assert "did you mean 'order_id'" in capsys.readouterr().err
    assert "revenue" in set(analysis.results.frame().metric)


def test_nothing_that_could_be_computed_is_an_error_with_everything_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"table 'shop\.orders' does not exist; looked in the folder"):
        ja.analyse(_EXAMPLE / "checkout.toml", as_of="2026-06-15", warehouse=f"embedded:{tmp_path / 'w'}")
    with pytest.raises(PlanError, match="nothing-like-it"):
        ja.results("nothing-like-it", warehouse=f"embedded:{tmp_path / 'w'}")
    with pytest.raises(ConfigError, match="is no date"):
        ja.plan(_EXAMPLE / "checkout.toml", as_of="soon")


def test_a_plan_is_described_before_anything_is_read() -> None:
    preview = ja.plan(_EXAMPLE / "checkout.toml", as_of="2026-06-15")

    assert "linear_model_mean +covariate" in str(preview)
    assert preview.to_json().startswith("{")
    assert preview.plan.experiment.slug == "new-checkout"


def test_a_script_without_main_guard_runs_once(tmp_path: Path) -> None:
    script = f"""
import jetstream_argo as ja
print("begun")
shop = {str(_EXAMPLE)!r}
tables = {{"shop.orders": shop + "/orders.csv.gz", "shop.assignments": shop + "/assignments.csv"}}
analysis = ja.analyse(shop + "/checkout.toml", tables=tables, as_of="2026-06-15", metrics=["orders"])
print(sorted(set(analysis.results.table["metric"].to_pylist())))
"""
    (tmp_path / "script.py").write_text(script)

    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=True
    )

    assert done.stdout.splitlines()[0] == "begun"
    assert done.stdout.count("begun") == 1
    assert "'orders'" in done.stdout


def test_importing_the_package_loads_nothing_that_pods_do_not_need() -> None:
    heavy = ("pandas", "duckdb", "pyarrow", "rich", "click")
    program = f"import sys, jetstream_argo; print([name for name in {heavy} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600, check=True)

    assert done.stdout.strip() == "[]"


def test_what_is_offered_is_listed_and_the_room_of_plans_is_still_a_module() -> None:
    from jetstream_argo.plan import codec

    assert {"load", "analyse", "plan", "results", "Configuration"} <= set(dir(ja))
    assert ja.plan.codec is codec  # type: ignore[attr-defined]  # a module that can be called
    with pytest.raises(AttributeError, match="has no attribute 'analyze'"):
        _ = ja.analyze  # type: ignore[attr-defined]  # that is the point
