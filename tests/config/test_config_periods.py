"""All that has to be known of a period follows from its own line."""

from jetstream_argo.config.periods import Period, along_time, by_extent
from jetstream_argo.report.page.naming import below


def test_periods_of_more_days_speak_for_a_metric_first_and_those_before_enrollment_last() -> None:
    assert by_extent() == (
        Period.OVERALL,
        Period.CUMULATIVE_WEEKLY,
        Period.DAYS28,
        Period.WEEK,
        Period.DAY,
        Period.PREENROLLMENT_DAYS28,
        Period.PREENROLLMENT_WEEK,
    )


def test_time_is_looked_at_by_what_grows_then_by_weeks() -> None:
    assert along_time() == (Period.CUMULATIVE_WEEKLY, Period.WEEK, Period.DAY, Period.DAYS28)


def test_every_period_has_a_heading_of_its_own_and_charts_along_time_say_what_they_count() -> None:
    assert len({period.heading for period in Period}) == len(Period)
    assert [below(period.value) for period in along_time()] == [
        "weeks since enrollment, from the first day on",
        "week since enrollment",
        "day since enrollment",
        "28 days since enrollment",
    ]
