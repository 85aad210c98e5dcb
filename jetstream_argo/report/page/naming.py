"""Names windows and other things on the page, for people who did not configure them."""

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.report.page.material import ALL
from jetstream_argo.report.summary.model import Window

PERIODS = {
    Period.OVERALL: "Overall",
    Period.CUMULATIVE_WEEKLY: "Cumulative",
    Period.WEEK: "Per week",
    Period.DAY: "Per day",
    Period.DAYS28: "Per 28 days",
    Period.PREENROLLMENT_WEEK: "Week before enrollment",
    Period.PREENROLLMENT_DAYS28: "28 days before enrollment",
}
_UNITS = {
    Period.CUMULATIVE_WEEKLY: "weeks since enrollment, from the first day on",
    Period.WEEK: "week since enrollment",
    Period.DAY: "day since enrollment",
    Period.DAYS28: "28 days since enrollment",
}


def below(period: str) -> str:
    """Return what the numbers below a chart over time count."""
    return _UNITS.get(Period(period), period)


def units_of(window: Window) -> str:
    """Return which units a window is about.

    >>> units_of(Window("week", 2, 7, 13, "exposures", "loyal", "", (), ()))
    'exposed units in segment loyal'
    """
    who = "exposed units" if window.basis == Basis.EXPOSURES.value else "enrolled units"
    return f"all {who}" if window.segment == ALL else f"{who} in segment {window.segment}"


def span_of(window: Window) -> str:
    """Return which days a window is about.

    >>> span_of(Window("week", 2, 7, 13, "exposures", "loyal", "", (), ()))
    'week 2, days 7 to 13'
    """
    period = Period(window.period)
    if period.before_enrollment:
        return PERIODS[period].lower()
    name = window.period if period is Period.OVERALL else f"{window.period.replace('_', ' ')} {window.index}"
    return f"{name}, {window.days}"
