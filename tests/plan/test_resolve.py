"""What a configuration comes to."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from jetstream_argo.config.model import Basis, ExperimentConfig, ExposureSignal, MetricDefinition, SignalBound
from jetstream_argo.config.periods import Period
from jetstream_argo.config.resolve.statistics import Table
from jetstream_argo.config.statistics import Summary
from jetstream_argo.errors import NotRunnable, PlanError
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.sources import PlannedRead
from tests.worlds.pipeline import START, experiment, metric, planned, source, summary_of

HOURS = metric("hours", "SUM(hours)")
PRE_WEEK: Table = {"covariate_adjustment": {"period": "preenrollment_week"}}
DUE = date(2026, 5, 12)  # units enroll from 4 to 6 May: a week is due


def config(*metrics: MetricDefinition, periods: dict[Period, list[Summary]] | None = None) -> ExperimentConfig:
    asked = periods or {Period.WEEK: [summary_of(metric.name, "linear_model_mean") for metric in metrics]}
    return experiment(metrics, [source("activity")], asked)


def days(read: PlannedRead) -> tuple[int, int]:
    return (read.first_date - START).days, (read.last_date - START).days


def test_equal_inputs_give_equal_bytes_and_the_plan_reads_back() -> None:
    plan = planned(config(HOURS), as_of=DUE)

    assert codec.dump(planned(config(HOURS), as_of=DUE)) == codec.dump(plan)
    assert codec.load(codec.dump(plan)) == plan


def test_a_plan_of_another_version_is_refused() -> None:
    text = codec.dump(planned(config(HOURS), as_of=DUE)).replace(b'"schema_version":3', b'"schema_version":99')

    with pytest.raises(PlanError, match="has schema version 99, this version reads 3; plan again"):
        codec.load(text)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"schema_version":1}'])
def test_what_is_no_plan_is_refused(text: bytes) -> None:
    with pytest.raises(PlanError, match="plan"):
        codec.load(text)


def test_only_dates_that_windows_that_are_due_need_are_read() -> None:
    (read,) = planned(config(HOURS), as_of=DUE).sources[0].reads

    assert days(read) == (0, 8)  # the first unit's first day to the last unit's seventh


def test_each_date_is_read_once_with_all_columns_that_any_window_needs_of_it() -> None:
    clicks = metric("clicks", "SUM(clicks)")
    periods = {
        Period.WEEK: [summary_of("clicks", "sum"), summary_of("hours", "linear_model_mean", PRE_WEEK)],
        Period.OVERALL: [summary_of("clicks", "sum")],
    }

    reads = planned(config(HOURS, clicks, periods=periods), as_of=DUE).sources[0].reads

    # Before anybody enrolls only the covariate; while units enroll both, as days before and after enrollment overlap.
    assert [(days(read), len(read.columns), read.before_enrollment) for read in reads] == [
        ((-7, -1), 1, True),
        ((0, 1), 2, True),
        ((2, 8), 2, False),
    ]


def test_a_metric_of_a_later_window_is_read_with_the_days_that_come_first() -> None:
    later = metric("later", "SUM(clicks)")
    periods = {Period.DAY: [summary_of("hours", "sum")], Period.DAYS28: [summary_of("later", "sum")]}

    (read,) = planned(config(HOURS, later, periods=periods), as_of=date(2026, 5, 6)).sources[0].reads

    assert len(read.columns) == 2


def test_columns_are_named_by_what_decides_their_values() -> None:
    def column(settings: ExperimentConfig) -> str:
        return planned(settings, as_of=DUE).metric("hours").column

    same = column(config(HOURS))
    assert column(config(replace(HOURS, select_expression="SUM( hours )"))) == same
    assert column(config(replace(HOURS, friendly_name="Hours"))) == same
    assert column(config(replace(HOURS, select_expression="SUM(hours) + 0"))) != same
    # Who is enrolled is recorded with each batch, so that other units read no date again that is there.
    assert column(replace(config(HOURS), enrollments_sql="SELECT 1")) == same
    assert column(replace(config(HOURS), exposure_signal=ExposureSignal("s", source("activity"), "x", 0, 1))) != same


def test_a_covariate_before_enrollment_would_be_the_value_itself_and_is_not_planned() -> None:
    before = Period.PREENROLLMENT_WEEK
    periods = {before: [summary_of("hours", "linear_model_mean", PRE_WEEK, period=before)]}

    (leaf,) = planned(config(HOURS, periods=periods), as_of=DUE).statistics

    assert leaf.statistics[0].covariate is None


def test_a_covariate_that_does_not_exist_is_refused() -> None:
    parameters: Table = {"covariate_adjustment": {"metric": "huors", "period": "preenrollment_week"}}
    periods = {Period.WEEK: [summary_of("hours", "linear_model_mean", parameters)]}

    with pytest.raises(PlanError, match="covariate_adjustment by 'huors': is not a metric"):
        planned(config(HOURS, periods=periods), as_of=DUE)


def test_without_anything_that_records_exposures_there_is_one_basis() -> None:
    plan = planned(replace(config(HOURS), exposures_sql=None), as_of=DUE)

    assert plan.bases == (Basis.ENROLLMENTS,)


def test_a_metric_of_exposures_alone_needs_something_that_records_them() -> None:
    exposed = replace(HOURS, bases=(Basis.EXPOSURES,))

    with pytest.raises(PlanError, match="which nothing records"):
        planned(replace(config(exposed), exposures_sql=None), as_of=DUE)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"skip": True}, "skip = true"),
        ({"is_rollout": True}, "rollout"),
        ({"is_private": True}, "names no dataset_id"),
        ({"branches": ()}, "no branches"),
    ],
)
def test_what_is_not_to_be_analysed_says_why(change: dict[str, object], reason: str) -> None:
    with pytest.raises(NotRunnable, match=reason):
        planned(replace(config(HOURS), **change), as_of=DUE)  # type: ignore[arg-type]  # fields of the configuration


def test_a_private_experiment_keeps_its_results_in_its_own_dataset() -> None:
    plan = planned(replace(config(HOURS), is_private=True, dataset="secret"), as_of=DUE)

    assert plan.dataset == "secret"


def test_after_the_end_only_one_more_day_is_waited_for() -> None:
    ended = replace(config(HOURS, periods={Period.DAY: [summary_of("hours", "sum")]}), end_date=date(2026, 5, 20))

    last = planned(ended, as_of=date(2027, 1, 1)).windows(Period.DAY)[-1]

    assert START + timedelta(days=2 + last.last_day) == date(2026, 5, 21)


def signal_dates(start: int | SignalBound | None, end: int | SignalBound | None) -> tuple[int, int]:
    """The days from the start on which a signal is looked for that exposes units in the first week."""
    signal = ExposureSignal("seen", source("activity"), "seen", start, end)
    plan: AnalysisPlan = planned(replace(config(HOURS), exposure_signal=signal), as_of=DUE)
    assert plan.signal is not None
    (window,) = plan.signal.windows
    return (window.first_date - START).days, (window.last_date - START).days


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, (0, 2)),  # while units enroll
        (SignalBound.ENROLLMENT_START, SignalBound.ENROLLMENT_END, (0, 2)),
        (SignalBound.ANALYSIS_WINDOW_START, SignalBound.ANALYSIS_WINDOW_END, (2, 8)),
        (0, 5, (0, 5)),
        (-3, 0, (-3, 2)),  # end 0 counts from the last enrollment date, as the existing system has it
        (0, 100, (0, 8)),  # no later than what the window itself needs
    ],
)
def test_a_signals_bounds_count_from_the_first_enrollment_date(
    start: int | SignalBound | None, end: int | SignalBound | None, expected: tuple[int, int]
) -> None:
    assert signal_dates(start, end) == expected
