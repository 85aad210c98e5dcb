"""Names windows and other things on the page, for people who did not configure them."""

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.report.page.material import ALL
from jetstream_argo.report.summary.model import Window


def below(period: str) -> str:
    """Return what the numbers below a chart over time count."""
    known = Period(period)
    if not known.days or known.before_enrollment:
        return period
    if known.grows:
        return f"{known.length.removesuffix('s')}s since enrollment, from the first day on"
    return f"{known.length} since enrollment"


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
        return period.heading.lower()
    name = window.period if period is Period.OVERALL else f"{window.period.replace('_', ' ')} {window.index}"
    return f"{name}, {window.days}"
