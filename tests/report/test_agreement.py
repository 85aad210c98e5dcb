"""Our estimates beside those of the existing system."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import PlanError
from jetstream_argo.report.agreement import Agreement, agreements
from jetstream_argo.report.differing import Apart, Difference, OwnFacts, why_differs
from jetstream_argo.report.results import Filters
from jetstream_argo.sql.names import Place
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Write
from tests.worlds import report as small

PLACE = Place("analysis", "new-tab")
TEXTS = ("metric", "statistic", "comparison", "comparison_to_branch", "segment", "analysis_basis", "branch")
THEIRS = (
    *(Column(name, "STRING") for name in (*TEXTS, "window_index")),
    Column("parameter", "NUMERIC"),
    *(Column(name, "FLOAT64") for name in ("point", "lower", "upper")),
)


def ours(engine: Engine, rows: Sequence[dict[str, Value]]) -> None:
    small.keep(engine, rows)
    small.record(engine, [small.statistics_entry("hours", "h", 1, (1, 2))])


def theirs(engine: Engine, rows: Sequence[dict[str, Value]], dataset: str = "shadow") -> None:
    usual: dict[str, Value] = {
        "metric": "hours", "statistic": "mean", "segment": "all", "analysis_basis": "enrollments",
        "branch": "control", "window_index": "1",
    }  # fmt: skip
    engine.load(
        f"{dataset}.statistics_new_tab_weekly", [usual | row for row in rows], THEIRS, write=Write.TRUNCATE, labels={}
    )


def estimate(point: float | None, half: float = 1.0, **facts: Value) -> dict[str, Value]:
    interval = {"lower": None, "upper": None} if point is None else {"lower": point - half, "upper": point + half}
    return small.estimate("hours", "h", point, **{**interval, **facts})


def number(point: float, half: float = 1.0, **facts: Value) -> dict[str, Value]:
    return {"point": point, "lower": point - half, "upper": point + half, **facts}


def test_estimates_are_counted_by_how_far_they_lie_from_theirs(engine: Engine) -> None:
    ours(engine, [
        estimate(5.0),
        estimate(5.05, branch="treatment"),
        estimate(7.0, window_index=2),
        estimate(1.0, segment="loyal"),
        estimate(None, analysis_basis="exposures"),
        estimate(2.0, statistic="deciles", parameter=Decimal("0.5")),
    ])  # fmt: skip
    theirs(engine, [
        number(5.0),
        number(5.0, branch="treatment"),
        number(4.0, half=2.0, window_index="2"),
        number(9.0, analysis_basis="exposures"),
        number(2.0, statistic="deciles", parameter=Decimal("0.50")),
    ])  # fmt: skip

    deciles, mean = agreements(engine, PLACE, "shadow", Filters(periods=(Period.WEEK,)))

    assert deciles == Agreement("deciles", 1, 0, 0, 0.0, "", 0, 0)
    assert (mean.equal, mean.near, mean.far) == (1, 1, 1)
    assert mean.largest == pytest.approx(2.0)  # the lower bound: 6 instead of 2, in halves of an interval of 4
    assert mean.farthest == "week mean 2 all enrollments hours control"
    assert (mean.only_ours, mean.only_theirs) == (1, 1)


def test_without_an_interval_the_distance_is_relative_and_one_side_alone_with_an_interval_is_far(
    engine: Engine,
) -> None:
    ours(engine, [
        small.estimate("hours", "h", 101.0, lower=None, upper=None),
        estimate(3.0, branch="treatment"),
    ])  # fmt: skip
    theirs(engine, [{"point": 100.0}, {"point": 3.0, "branch": "treatment"}])

    (mean,) = agreements(engine, PLACE, "shadow", Filters())

    assert (mean.near, mean.far) == (1, 1)
    assert mean.largest == float("inf")


def test_a_dataset_without_their_tables_is_told_with_the_name_that_was_looked_for(engine: Engine) -> None:
    ours(engine, [estimate(5.0)])

    with pytest.raises(PlanError, match=r"'elsewhere' has no table such as 'elsewhere.statistics_new_tab_weekly'"):
        agreements(engine, PLACE, "elsewhere", Filters(periods=(Period.WEEK,)))


def test_the_command_prints_a_line_for_each_statistic_and_a_sum(engine: Engine, tmp_path, capsys) -> None:
    ours(engine, [estimate(5.0)])
    theirs(engine, [number(5.0), number(5.0, branch="treatment")])
    warehouse = f"embedded:{tmp_path / 'warehouse'}"

    code = exit_code_of(["compare", "new-tab", "--with", "shadow", "--dataset", "analysis", "--warehouse", warehouse])

    printed = " ".join(capsys.readouterr().out.split())
    assert code == 0
    assert "1 estimate on both sides: 1 equal" in printed
    assert "0 not explained" in printed
    assert "0 only ours, 1 only theirs" in printed


def differences(found: Agreement) -> dict[str, int]:
    return {difference.name: number for difference, number in found.differences}


def test_what_differs_is_told_by_the_listed_difference_that_explains_it(engine: Engine) -> None:
    ours(engine, [
        estimate(5.05),
        small.estimate("hours", "h", 5.0, lower=None, upper=None, branch="treatment", reason="too_few_units"),
        estimate(9.0, window_index=2),
        estimate(5.01, statistic="mean_lm", window_index=2),
        estimate(5.00005, statistic="mean_lm", comparison="relative_uplift"),
    ])  # fmt: skip
    theirs(engine, [
        number(5.0),
        number(5.0, branch="treatment"),
        number(5.0, window_index="2"),
        number(5.0, statistic="mean_lm", window_index="2"),
        number(5.0, statistic="mean_lm", comparison="relative_uplift"),
    ])  # fmt: skip

    mean, model = agreements(engine, PLACE, "shadow", Filters(periods=(Period.WEEK,)))

    assert differences(mean) == {"MONTE_CARLO": 1, "REASON": 1, "UNEXPLAINED": 1}
    assert mean.unexplained == 1
    assert differences(model) == {"GRADIENT": 1, "UNEXPLAINED": 1}  # nothing is drawn for a linear model


def test_a_first_day_that_is_adjusted_here_alone_is_a_listed_difference() -> None:
    first = OwnFacts("mean_lm", "day", "1", "difference", "", adjusted=True)

    narrower = Apart(0.5, 0.6, width=0.8)
    assert why_differs(first, narrower) is Difference.FIRST_DAY
    assert why_differs(replace(first, window="2"), narrower) is Difference.UNEXPLAINED
    assert why_differs(replace(first, adjusted=False), narrower) is Difference.UNEXPLAINED


@pytest.mark.parametrize(
    "apart", [Apart(2.0, 2.2, width=0.8), Apart(0.5, 1.5, width=2.0), Apart(0.5, float("inf"), width=0)]
)
def test_an_adjustment_explains_no_point_beyond_the_interval_and_no_wider_one(apart: Apart) -> None:
    first = OwnFacts("mean_lm", "day", "1", "difference", "", adjusted=True)

    assert why_differs(first, apart) is Difference.UNEXPLAINED


@pytest.mark.parametrize(
    ("reason", "statistic", "apart", "is_explained"),
    [
        ("too_few_units", "mean_lm", Apart(0.0, float("inf")), True),
        ("too_few_units", "mean_lm", Apart(0.01, float("inf")), False),  # the point is as plain as ever
        ("too_few_units", "mean", Apart(0.05, float("inf")), True),  # drawn there
        ("unbounded", "mean_lm", Apart(0.0, 900.0), True),
        ("unbounded", "mean_lm", Apart(3.0, 900.0), False),
        ("few_units", "mean", Apart(0.05, 0.3), True),
        ("few_units", "mean", Apart(0.05, 2.0), False),
        ("few_units", "mean", Apart(2.0, 2.0), False),
        ("nonfinite_excluded", "mean_lm", Apart(40.0, 41.0), True),
        ("no_covariate", "mean_lm", Apart(1.2, 1.4, width=1.3), True),
        ("no_covariate", "mean_lm", Apart(5.0, 5.2, width=1.3), False),
        ("no_covariate", "mean_lm", Apart(0.5, 0.7, width=0.5), False),  # ours is narrower than an adjusted one
        ("sample_ratio_mismatch", "mean_lm", Apart(0.5, 0.5), False),  # which changes no number
        ("another reason", "mean_lm", Apart(0.5, 0.5), False),
    ],
)  # fmt: skip
def test_a_reason_explains_what_it_can_do_and_no_more(
    reason: str, statistic: str, apart: Apart, is_explained: bool
) -> None:
    own = OwnFacts(statistic, "week", "2", "difference", reason, adjusted=None)

    assert why_differs(own, apart) is (Difference.REASON if is_explained else Difference.UNEXPLAINED)


def test_bounds_here_alone_are_listed_and_bounds_there_alone_are_not_explained(engine: Engine) -> None:
    ours(engine, [
        estimate(5.0, statistic="mean_lm"),
        small.estimate("hours", "h", 5.0, statistic="mean_lm", lower=None, upper=None, branch="treatment"),
        estimate(6.0, statistic="mean_lm", window_index=2),
    ])  # fmt: skip
    theirs(engine, [
        {"point": 5.0, "statistic": "mean_lm"},
        number(5.0, statistic="mean_lm", branch="treatment"),
        {"point": 5.0, "statistic": "mean_lm", "window_index": "2"},
    ])  # fmt: skip

    (model,) = agreements(engine, PLACE, "shadow", Filters(periods=(Period.WEEK,)))

    assert differences(model) == {"ONE_SIDED": 1, "UNEXPLAINED": 2}


def test_the_page_has_a_section_about_it_when_that_is_asked_for(engine: Engine, tmp_path: Path) -> None:
    ours(engine, [estimate(5.0), estimate(9.0, branch="treatment")])
    theirs(engine, [number(5.0), number(5.0, branch="treatment")])
    place = ["new-tab", "--dataset", "analysis", "--warehouse", f"embedded:{tmp_path / 'warehouse'}"]
    alone, beside = tmp_path / "alone.html", tmp_path / "beside.html"

    assert exit_code_of(["report", *place, "-o", str(alone)]) == 0
    assert exit_code_of(["report", *place, "--with", "shadow", "-o", str(beside)]) == 0

    assert "Beside Jetstream" not in alone.read_text()
    text = beside.read_text()
    assert "Beside Jetstream" in text
    assert "1 not explained" in text
