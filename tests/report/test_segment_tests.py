"""Whether effects differ between a segment and the rest, read from the rows of estimates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import sqrt
from statistics import fmean, variance

import pytest
from scipy import stats

from jetstream_argo.config.model import Statistic, Step
from jetstream_argo.report.segment_tests import SegmentTest, segment_tests
from jetstream_argo.report.summary.about import about_plan, about_to_record, recorded_about
from jetstream_argo.report.summary.model import About, MetricAbout
from jetstream_argo.stats.methods.linear_model_mean import LinearModelMean
from jetstream_argo.stats.pretreatments import CensorHighestValues
from jetstream_argo.store.entries import Kind
from tests.report.page.rows import Row, row
from tests.worlds import report as small

Groups = Mapping[str, Sequence[float]]
CONTROL = {"loyal": (1.0, 4.0, 2.0, 6.0), "others": (3.0, 3.5, 5.0, 1.0, 2.0)}
CONSTANT = {"loyal": (2.0, 2.0), "others": (2.0, 2.0)}
TREATED = {"loyal": (9.0, 11.0, 7.0), "others": (2.0, 4.0, 4.5, 3.0)}


def estimates(
    control: Groups = CONTROL, treated: Groups = TREATED, *, metric: str = "hours", **facts: object
) -> list[Row]:
    """Return the rows of all units and of the loyal ones."""
    return [made for segment in ("all", "loyal") for made in _of_segment(segment, control, treated, metric, facts)]


def _of_segment(segment: str, control: Groups, treated: Groups, metric: str, facts: dict[str, object]) -> Iterator[Row]:
    for branch, groups in (("control", control), ("treatment", treated)):
        values = groups["loyal"] if segment == "loyal" else [*groups["loyal"], *groups["others"]]
        error = sqrt(variance(values) / len(values))
        own = row(metric, fmean(values), branch=branch, segment=segment, n_units=len(values), std_error=error)
        yield {**own, **facts}  # type: ignore[dict-item]  # values of columns
    against = {"branch": "treatment", "comparison_to_branch": "control", "comparison": "difference"}
    yield row(metric, 1.0, segment=segment, **against)


def found_in(rows: list[Row], about: About | None = None) -> list[SegmentTest]:
    return list(segment_tests(rows, about or About(), reference="control"))


def test_the_other_units_are_all_without_those_of_the_segment() -> None:
    (found,) = found_in(estimates())

    effects = [fmean(TREATED[group]) - fmean(CONTROL[group]) for group in ("loyal", "others")]
    parts = [variance(units) / len(units) for groups in (CONTROL, TREATED) for units in groups.values()]
    sizes = [len(units) for groups in (CONTROL, TREATED) for units in groups.values()]
    dof = sum(parts) ** 2 / sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))
    difference, error = effects[0] - effects[1], sqrt(sum(parts))
    assert [found.effect, found.effect_elsewhere] == pytest.approx(effects)
    assert found.difference == pytest.approx(difference)
    assert found.p_value == pytest.approx(2 * stats.t.sf(difference / error, dof))
    assert [found.lower, found.upper] == pytest.approx(stats.t.interval(0.95, dof, difference, error))
    assert (found.metric, found.segment, found.branch, found.family) == ("hours", "loyal", "treatment", 1)
    assert found.p_value_holm == found.p_value


def test_every_test_of_a_window_and_basis_is_one_of_a_family() -> None:
    alike = {"loyal": CONTROL["loyal"], "others": CONTROL["others"]}
    rows = [*estimates(), *estimates(treated=alike, metric="clicks")]
    rows += [{**each, "analysis_basis": "exposures"} for each in estimates()]

    hours, clicks, exposed = found_in(rows)

    assert (hours.family, clicks.family, exposed.family) == (2, 2, 1)
    assert hours.p_value_holm == pytest.approx(2 * hours.p_value)
    assert clicks.difference == pytest.approx(0, abs=1e-12)
    assert clicks.p_value_holm == pytest.approx(1)


def test_shares_are_tested_by_their_counts() -> None:
    def shares(segment: str, branch: str, n: int, successes: int) -> Row:
        point = (successes + 1) / (n + 2)
        return row("used", point, statistic="binomial", branch=branch, segment=segment, n_units=n, std_error=0.01)

    counts = {("all", "control"): (100, 50), ("loyal", "control"): (40, 30)}
    counts |= {("all", "treatment"): (100, 60), ("loyal", "treatment"): (50, 45)}
    against = {"branch": "treatment", "comparison_to_branch": "control", "comparison": "difference"}
    rows = [shares(*where, *count) for where, count in counts.items()]
    rows += [row("used", 0.1, statistic="binomial", segment=segment, **against) for segment in ("all", "loyal")]

    (found,) = found_in(rows)

    assert found.effect == pytest.approx(45 / 50 - 30 / 40)
    assert found.effect_elsewhere == pytest.approx(15 / 50 - 20 / 60)


@pytest.mark.parametrize(
    "rows",
    [
        estimates(n_clipped=1),
        [{**each, "adjusted": each["segment"] == "all"} for each in estimates()],
        estimates(statistic="population_ratio"),
        estimates(control={"loyal": (1.0, 2.0), "others": (3.0,)}),
        estimates(control=CONSTANT, treated=CONSTANT),
        [each for each in estimates() if each["segment"] != "all"],
        [each for each in estimates() if each["branch"] != "control"],
        estimates(std_error=float("inf")),
        [{**each, "n_units": 3 if each["segment"] == "all" else 5} for each in estimates()],
        [],
    ],
    ids="clipped adjusted-unlike ratio one-unit constant no-whole no-reference infinite more-than-all nothing".split(),
)  # fmt: skip
def test_what_has_no_moments_of_the_rest_is_not_tested(rows: list[Row]) -> None:
    assert found_in(rows) == []


def test_a_metric_that_leaves_out_units_by_their_rank_is_not_tested() -> None:
    assert found_in(estimates(), About({"hours": MetricAbout(drops_by_rank=True)})) == []


def test_the_record_says_which_metrics_leave_out_units_by_their_rank() -> None:
    plan = small.plan([small.HOURS])
    (leaf,) = {leaf.metric: leaf for leaf in plan.statistics if leaf.metric == "hours"}.values()
    censored = Step("censor_highest_values", "{}", CensorHighestValues())
    asked = Statistic("linear_model_mean", "{}", LinearModelMean(), (censored,))
    plan = replace(plan, statistics=(replace(leaf, statistics=(asked,)),))

    entry = small.entry(Kind.EXPORT, facts=about_to_record(plan, []))

    assert about_plan(plan).metrics["hours"].drops_by_rank
    assert recorded_about([entry]).metrics["hours"].drops_by_rank
