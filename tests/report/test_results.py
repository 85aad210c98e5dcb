import csv
import io
import json
from decimal import Decimal

import pyarrow.parquet
import pytest
from rich.console import Console

from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Value
from jetstream_argo.errors import PlanError
from jetstream_argo.report.files import csv_of, json_of, parquet_of
from jetstream_argo.report.results import Filters, read_estimates
from jetstream_argo.report.tables import estimate_tables
from jetstream_argo.sql.names import Place
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Result
from tests.worlds import report as small

PLACE = Place("analysis", "new-tab")
BOTH = {"branch": "treatment", "comparison_to_branch": "control"}


def test_estimates_come_by_period_window_metric_and_then_as_their_statistics_gave_them(engine: Engine):
    rows = [
        small.estimate("hours", "h", 1.0, window_index=10, position=0),
        small.estimate("hours", "h", 2.0, window_index=2, position=2),
        small.estimate("hours", "h", 3.0, window_index=2, position=1),
        small.estimate("ads", "a", 4.0, window_index=2),
        small.estimate("ads", "d", 5.0, period="day"),
    ]
    small.keep(engine, rows)
    small.record(
        engine,
        [
            small.statistics_entry("hours", "h", 1, (2, 10)),
            small.statistics_entry("ads", "a", 1, (2, 2)),
            small.statistics_entry("ads", "d", 1, (1, 1), period="day"),
        ],
    )

    result = read_estimates(engine, PLACE, Filters())

    assert [row["point"] for row in result.dicts()] == [5.0, 4.0, 3.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("filters", "points"),
    [
        (Filters(metrics=("ads",)), [5.0]),
        (Filters(metrics=("ads", "hours"), segments=("loyal",)), [4.0]),
        (Filters(windows=(2,)), [3.0]),
        (Filters(statistics=("deciles",)), [2.0]),
        (Filters(comparisons=("difference",)), [1.5]),
        (Filters(comparisons=("none",), branches=("treatment",)), [1.2]),
        (Filters(bases=("exposures",)), [1.1]),
        (Filters(periods=(Period.DAY,)), []),
    ],
)
def test_filters_leave_what_is_asked_for(engine: Engine, filters: Filters, points: list[float]):
    rows = [
        small.estimate("ads", "a", 5.0),
        small.estimate("hours", "h", 4.0, segment="loyal"),
        small.estimate("hours", "h", 3.0, window_index=2),
        small.estimate("hours", "h", 2.0, statistic="deciles", parameter=small.TENTH),
        small.estimate("hours", "h", 1.5, comparison="difference", **BOTH),
        small.estimate("hours", "h", 1.2, branch="treatment"),
        small.estimate("hours", "h", 1.1, analysis_basis="exposures"),
    ]
    small.keep(engine, rows)
    small.record(engine, [small.statistics_entry("ads", "a", 1), small.statistics_entry("hours", "h", 1, (1, 2))])

    result = read_estimates(engine, PLACE, filters)

    assert [row["point"] for row in result.dicts()] == points


def test_an_experiment_without_results_says_where_it_was_looked_for(engine: Engine):
    with pytest.raises(PlanError, match="no results in dataset 'analysis'"):
        read_estimates(engine, PLACE, Filters())


def test_json_has_decimals_as_strings_and_infinities_as_null(engine: Engine):
    result = _stored(engine, [small.estimate("hours", "h", 1.5, parameter=small.TENTH, upper=float("inf"), lower=None)])

    [row] = json.loads(json_of(result))

    assert (row["parameter"], row["point"], row["lower"], row["upper"]) == ("0.1", 1.5, None, None)
    assert row["window_index"] == "1"
    assert row["computed_at"] == "2026-05-25T01:00:00+00:00"


def test_json_of_nothing_is_an_empty_array(engine: Engine):
    assert json.loads(json_of(_stored(engine, []))) == []


def test_csv_has_a_line_per_estimate_and_nothing_for_null(engine: Engine):
    result = _stored(engine, [small.estimate("hours", "h", 1.5, parameter=small.TENTH)])

    [row] = csv.DictReader(io.StringIO(csv_of(result).decode()))

    assert (row["metric"], row["parameter"], row["point"], row["comparison"]) == ("hours", "0.1", "1.5", "")


def test_parquet_keeps_types_and_values(engine: Engine):
    result = _stored(engine, [small.estimate("hours", "h", 1.5, parameter=small.TENTH, adjusted=False)])

    [row] = pyarrow.parquet.read_table(io.BytesIO(parquet_of(result))).to_pylist()

    assert (row["metric"], row["parameter"], row["point"]) == ("hours", Decimal("0.1"), 1.5)
    assert (row["adjusted"], row["computed_at"]) == (False, small.at(1))


def test_a_table_has_a_line_per_branch_with_its_comparison(engine: Engine):
    rows = [
        small.estimate("hours", "h", 10.0),
        small.estimate("hours", "h", 11.0, branch="treatment", position=1),
        small.estimate("hours", "h", 1.0, comparison="difference", position=2, lower=0.25, upper=1.75, **BOTH),
        small.estimate("hours", "h", 0.1, comparison="relative_uplift", position=3, lower=0.02, upper=0.18, **BOTH),
    ]

    lines = _printed(_stored(engine, rows))

    assert lines[0] == "week 1, days 0 to 6 · enrollments · all units"
    assert lines[1].split() == [
        *("metric", "statistic", "branch", "units", "estimate", "minus", "control", "relative", "uplift", "notes")
    ]
    assert lines[3].split() == ["hours", "mean", "control", "10", "10", "[9,", "11]"]
    assert lines[4].split() == [
        *("mean", "treatment", "10", "11", "[10,", "12]", "+1", "[+0.25,", "+1.75]"),
        *("+10.00", "%", "[+2.00,", "+18.00]"),
    ]


def test_a_table_has_the_statistics_that_are_one_number_first(engine: Engine):
    decile = small.estimate("hours", "h", 1.0, statistic="deciles", parameter=small.TENTH)

    lines = _printed(_stored(engine, [decile, small.estimate("hours", "h", 2.0, position=1)]))

    assert [line.split()[:3] for line in lines[3:]] == [["hours", "mean", "control"], ["deciles", "0.1", "control"]]


def test_a_table_compares_with_the_reference_only(engine: Engine):
    pair = {"comparison": "difference", "branch": "control", "comparison_to_branch": "treatment"}
    rows = [
        small.estimate("hours", "h", 1.0, comparison="difference", **BOTH),
        small.estimate("hours", "h", -1.0, **pair),
    ]
    result = _stored(engine, rows)

    assert "minus control" in _printed(result)[1]
    assert "minus treatment" in _printed(result, reference="treatment")[1]
    assert sum("-1" in line for line in _printed(result)) == 0


def test_a_table_says_what_was_not_adjusted_and_why_a_number_is_missing(engine: Engine):
    rows = [
        small.estimate("hours", "h", 1.0, adjusted=False),
        small.estimate("hours", "h", None, comparison="relative_uplift", reason="zero_reference", **BOTH),
    ]

    lines = _printed(_stored(engine, rows))

    assert "unadjusted" in lines[3]
    assert "zero reference" in lines[4]


def test_a_table_shows_the_means_that_an_adjusted_difference_compares_and_the_units_that_it_leaves_out(engine: Engine):
    means = {"adjusted_mean": 70.3, "adjusted_reference_mean": 62.64, "adjusted": True}
    rows = [
        small.estimate("hours", "h", 64.84),
        small.estimate("hours", "h", 67.75, branch="treatment", n_without_covariate=0),
        small.estimate(
            "hours", "h", 7.66, comparison="difference", n_without_covariate=102, n_units=107, **means, **BOTH
        ),
    ]

    lines = _printed(_stored(engine, rows), width=200)

    (shown,) = (line for line in lines if "treatment" in line)
    assert "adjusted: 70.3 against 62.64, 102 of 209 of both branches have no covariate" in shown


def test_a_table_says_how_many_of_a_branchs_units_have_no_covariate(engine: Engine):
    lines = _printed(_stored(engine, [small.estimate("hours", "h", 1.0, n_units=6, n_without_covariate=100)]))

    assert "100 of 106 units have no covariate" in lines[3]


def test_a_table_leaves_out_curves_and_says_so(engine: Engine):
    points = [
        small.estimate("hours", "h", 1.0, statistic="empirical_cdf", parameter=Decimal(point)) for point in range(21)
    ]

    lines = _printed(_stored(engine, [small.estimate("hours", "h", 2.0), *points]))

    assert sum("empirical_cdf" in line for line in lines) == 1
    assert lines[-1].startswith("not shown: hours empirical_cdf")


def test_names_are_shown_as_they_are_and_not_taken_for_markup(engine: Engine):
    lines = _printed(_stored(engine, [small.estimate("hours", "h", 2.0, branch="[red]new[/red]")]))

    assert "[red]new[/red]" in lines[3]


def test_without_estimates_the_table_says_so(engine: Engine):
    assert _printed(_stored(engine, [])) == ["no estimates"]


def _stored(engine: Engine, rows: list[dict[str, Value]]) -> Result:
    small.keep(engine, rows)
    small.record(engine, [small.statistics_entry("hours", "h", 1)])
    return read_estimates(engine, PLACE, Filters())


def _printed(result: Result, reference: str | None = None, *, width: int = 150) -> list[str]:
    console = Console(width=width, file=io.StringIO())
    for part in estimate_tables(result, reference=reference):
        console.print(part)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    return [line.strip() for line in text.splitlines() if line.strip()]
