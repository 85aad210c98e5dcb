"""What is due where some sources are loaded later than others."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jetstream_argo.config.model import Basis, ExposureSignal, MetricDefinition, SignalBound
from jetstream_argo.config.periods import Period
from jetstream_argo.config.resolve.statistics import Table
from jetstream_argo.dag.build import build_dag
from jetstream_argo.plan import codec
from jetstream_argo.plan.due import leaf_windows, limited, value_windows, waited_for
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.readiness import ENROLLMENTS, EXPOSURES, Readiness
from tests.worlds.pipeline import BOTH, experiment, metric, planned, source, summary_of

AS_OF = date(2026, 5, 13)  # units enroll from 4 to 6 May: eight days and a week are due
LATE = date(2026, 5, 12)
PRE_WEEK: Table = {"covariate_adjustment": {"period": "preenrollment_week", "metric": "clicks"}}
ADJUSTED: Table = {"covariate_adjustment": {"period": "preenrollment_week"}}


def plan(*, covariate: Table | None = None, signal: ExposureSignal | None = None) -> AnalysisPlan:
    """Hours of one source, clicks of another, and their ratio."""
    metrics = [
        metric("hours", "SUM(hours)", "clients"),
        metric("clicks", "SUM(clicks)", "events"),
        MetricDefinition("rate", None, None, ("clicks", "hours"), BOTH),
    ]
    asked = [summary_of("hours", "linear_model_mean", covariate), summary_of("clicks", "sum")]
    periods = {
        Period.DAY: [*asked, summary_of("rate", "population_ratio", {"numerator": "clicks", "denominator": "hours"})],
        Period.WEEK: asked,
    }
    settings = experiment(metrics, [source("clients"), source("events")], periods)
    return planned(replace(settings, exposure_signal=signal), as_of=AS_OF)


def indexes(made: AnalysisPlan) -> Mapping[tuple[str, str], list[int]]:
    """The windows of each leaf."""
    return {
        (leaf.metric, leaf.period.value): [window.index for window in leaf_windows(made, leaf)]
        for leaf in made.statistics
    }


def test_where_nothing_is_known_the_plan_is_what_it_was_byte_for_byte() -> None:
    whole = plan()

    for nothing in (None, Readiness(), Readiness.of({"something_else": LATE})):
        assert limited(whole, nothing) is whole
        assert waited_for(whole, nothing) == ()
    assert b"readiness" not in codec.dump(whole)


def test_a_source_that_is_late_has_fewer_windows_and_so_has_what_is_made_of_it() -> None:
    late = limited(plan(), Readiness.of({"events": LATE, "clients": AS_OF}))

    assert indexes(late) == {
        ("hours", "day"): [1, 2, 3, 4, 5, 6, 7, 8],
        ("clicks", "day"): [1, 2, 3, 4, 5, 6, 7],
        ("rate", "day"): [1, 2, 3, 4, 5, 6, 7],
        ("hours", "week"): [1],
        ("clicks", "week"): [1],
    }
    assert [late.source(name).reads[-1].last_date for name in ("clients", "events")] == [AS_OF, LATE]
    assert [len(value_windows(late, late.metric(name), Period.DAY)) for name in ("hours", "clicks")] == [8, 7]
    assert [len(due.windows) for due in late.periods if due.period is Period.DAY] == [8]


def test_a_source_without_a_whole_window_has_no_nodes_and_the_others_have_theirs() -> None:
    late = limited(plan(), Readiness.of({"events": date(2026, 5, 5)}))

    nodes = {node.id for node in build_dag(late).nodes}
    assert nodes == {"enrollments", "counts", "day-clients", "week-clients", "stats-day-hours", "stats-week-hours"}
    assert late.source("events").reads == ()


def test_a_covariate_is_waited_for_until_the_days_before_enrollment_are_there_and_no_longer() -> None:
    whole = plan(covariate=PRE_WEEK)

    absent = indexes(limited(whole, Readiness.of({"events": date(2026, 5, 4)})))
    there = indexes(limited(whole, Readiness.of({"events": date(2026, 5, 5)})))

    assert absent["hours", "day"] == absent["clicks", "day"] == []
    assert there["hours", "day"] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert there["clicks", "day"] == []


def test_nothing_is_due_until_all_units_have_enrolled() -> None:
    made = limited(plan(covariate=ADJUSTED), Readiness.of({ENROLLMENTS: date(2026, 5, 5)}))

    assert build_dag(made).nodes == ()
    assert all(read == () for read in (source.reads for source in made.sources))


def test_an_exposure_signal_that_is_late_holds_back_the_windows_that_it_decides() -> None:
    signal = ExposureSignal("seen", source("seen"), "seen", 0, SignalBound.ANALYSIS_WINDOW_END)
    made = limited(plan(signal=signal), Readiness.of({EXPOSURES: LATE}))

    assert made.signal is not None
    assert made.signal.last_date == LATE
    assert indexes(made)["hours", "day"] == [1, 2, 3, 4, 5, 6, 7]
    assert Basis.EXPOSURES in made.bases


def test_more_than_is_needed_of_a_source_makes_no_other_plan() -> None:
    needed = limited(plan(), Readiness.of({"events": AS_OF}))
    more = limited(plan(), Readiness.of({"events": AS_OF + timedelta(days=3), "other": LATE}))

    assert codec.sha256(more) == codec.sha256(needed)
    assert codec.sha256(limited(plan(), Readiness.of({"events": LATE}))) != codec.sha256(needed)


def test_a_plan_that_knows_what_is_there_reads_back() -> None:
    made = limited(plan(), Readiness.of({"events": LATE}))

    assert codec.load(codec.dump(made)) == made
    assert json.loads(codec.dump(made))["readiness"] == {"dates": [["events", "2026-05-12"]]}


def test_what_is_waited_for_is_said_with_the_newest_date() -> None:
    known = Readiness.of({"clients": AS_OF, "events": LATE})

    assert waited_for(plan(), known) == ("events of 2026-05-13 is not loaded yet (newest: 2026-05-12)",)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.dates()))
def test_equal_dates_have_one_text_and_one_digest_in_whatever_order_they_come(dates: dict[str, date]) -> None:
    forward, backward = Readiness.of(dates), Readiness.of(dict(reversed(dates.items())))

    assert forward == backward
    assert (forward.text, forward.digest) == (backward.text, backward.digest)
    assert json.loads(forward.text) == {name: day.isoformat() for name, day in dates.items()}
