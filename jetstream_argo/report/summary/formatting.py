"""Writes numbers and verdicts, for a terminal and for a page."""

from jetstream_argo.report.summary.model import Answer, Compared, MetricAbout, PointInterval

NOTHING = "–"
_WHOLE = 1000
_TINY = 1e-12  # what is left of a zero after sums of floats
_INVISIBLE = 5e-5  # of a number that is shown with four digits
_LEAST_P = 0.001
_KILO = 1000
_NEGLIGIBLE = 1e-4  # of a metric's value: nobody would mind to lose that


def number(value: float | None, *, beside: float = 0.0) -> str:
    """Return a number with four significant digits, or all of its whole ones; a clean zero.

    `beside` is the size of numbers that it is shown with: what does not change them in these digits is zero.

    >>> number(0.0123456), number(1234567.8), number(-1e-17), number(None), number(6e-9, beside=2.0)
    ('0.01235', '1,234,568', '0', '–', '0')
    """
    if value is None:
        return NOTHING
    if abs(value) < max(_TINY, abs(beside) * _INVISIBLE):
        return "0"
    return four_digits(value)


def four_digits(value: float) -> str:
    """Return a number with four significant digits, or all of its whole ones.

    >>> four_digits(0.0123456), four_digits(1234567.8)
    ('0.01235', '1,234,568')
    """
    return f"{value:,.0f}" if abs(value) >= _WHOLE else f"{value:.4g}"


def plus_number(value: float | None, *, beside: float = 0.0) -> str:
    """Return a number with its sign; none at zero.

    >>> plus_number(0.5), plus_number(-0.5), plus_number(0.0)
    ('+0.5', '-0.5', '0')
    """
    text = number(value, beside=beside)
    return text if text.startswith("-") or text in ("0", NOTHING) else f"+{text}"


def percent(value: float | None, *, digits: int = 1) -> str:
    """Return a share in percent, without the sign of percent.

    >>> percent(0.1234), percent(-0.00001), percent(12.5)
    ('12.3', '0.0', '1,250')
    """
    if value is None:
        return NOTHING
    hundredfold = value * 100
    if abs(hundredfold) >= _WHOLE:
        return f"{hundredfold:,.0f}"
    return f"{round(hundredfold, digits) + 0.0:.{digits}f}"


def valued(interval: PointInterval | None, about: MetricAbout, *, is_share: bool) -> str:
    """Return a branch's value in the unit of its metric; a share of units in percent.

    >>> valued(PointInterval(62.64), MetricAbout(unit="s"), is_share=False)
    '62.64 s'
    >>> valued(PointInterval(0.44), MetricAbout(), is_share=True)
    '44.0 %'
    """
    if interval is None or interval.point is None:
        return NOTHING
    if is_share or about.unit == "%":
        return f"{percent(interval.point)} %"
    return f"{number(interval.point)} {about.unit}".rstrip()


def uplifted(interval: PointInterval | None) -> str:
    """Return a relative uplift with its interval.

    >>> uplifted(PointInterval(0.124, 0.051, 0.198)), uplifted(PointInterval(0.0)), uplifted(None)
    ('+12.4 % [+5.1, +19.8]', '0.0 %', '–')
    """
    if interval is None or interval.point is None:
        return NOTHING
    text = f"{plus(interval.point)} %"
    if not interval.is_bounded:
        return text
    return f"{text} [{plus(interval.lower)}, {plus(interval.upper)}]"


def differed(interval: PointInterval | None, about: MetricAbout, *, is_share: bool, beside: float) -> str:
    """Return a difference with its interval, in the unit of its metric; of shares in percentage points.

    >>> differed(PointInterval(1.5, 0.5, 2.5), MetricAbout(unit="s"), is_share=False, beside=60.0)
    '+1.5 s [+0.5, +2.5]'
    >>> differed(PointInterval(0.012), MetricAbout(), is_share=True, beside=0.5)
    '+1.2 pp'
    """
    if interval is None or interval.point is None:
        return NOTHING
    factor, unit = (100, "pp") if is_share or about.unit == "%" else (1, about.unit)
    ends = (interval.point, interval.lower, interval.upper)
    point, lower, upper = (plus_number(None if end is None else end * factor, beside=beside * factor) for end in ends)
    text = f"{point} {unit}".rstrip()
    return f"{text} [{lower}, {upper}]" if interval.is_bounded else text


def plus_valued(value: float, about: MetricAbout, *, is_share: bool) -> str:
    """Return a difference alone, as `differed` writes it.

    >>> plus_valued(-0.5, MetricAbout(unit="s"), is_share=False)
    '-0.5 s'
    """
    return differed(PointInterval(value), about, is_share=is_share, beside=0.0)


def digits_of(share: float) -> int:
    """Return how many decimals a round share needs in percent, at most six.

    >>> digits_of(0.05), digits_of(0.025), digits_of(0.0001)
    (0, 1, 2)
    """
    decimals = f"{share * 100:.6f}".rstrip("0").partition(".")[2]
    return len(decimals)


def plus(share: float | None, *, digits: int = 1) -> str:
    """Return a share in percent with its sign; none at zero.

    >>> plus(0.05), plus(-0.05), plus(-0.0)
    ('+5.0', '-5.0', '0.0')
    """
    text = percent(share, digits=digits)
    return text if share is None or text.startswith("-") or text.strip("0.") == "" else f"+{text}"


def p_valued(value: float | None) -> str:
    """Return a p-value.

    >>> p_valued(0.0123), p_valued(1e-9), p_valued(None)
    ('0.012', '<0.001', '–')
    """
    if value is None:
        return NOTHING
    return f"<{_LEAST_P}" if value < _LEAST_P else f"{value:.3f}" if value < 1 else "1"


def chance(value: float | None) -> str:
    """Return a probability in percent, never as certain.

    >>> chance(0.934), chance(0.99999), chance(0.00001), chance(None)
    ('93.4 %', '>99.9 %', '<0.1 %', '–')
    """
    if value is None:
        return NOTHING
    if value > 1 - _LEAST_P:
        return f">{percent(1 - _LEAST_P)} %"
    return f"<{percent(_LEAST_P)} %" if value < _LEAST_P else f"{percent(value)} %"


def lost(value: float | None, answer: Answer) -> str:
    """Return an expected loss with two digits, in the unit of its metric; of shares in percentage points."""
    if value is None:
        return NOTHING
    factor, unit = (100, "pp") if answer.is_share or answer.about.unit == "%" else (1, answer.about.unit)
    least = _size(answer) * _NEGLIGIBLE
    text = "~0" if abs(value) < least or not value else four_digits(float(f"{value * factor:.2g}"))
    return f"{text} {unit}".rstrip()


def _size(answer: Answer) -> float:
    points = [
        answer.reference.point if answer.reference else None,
        *(comparison.value.point for comparison in answer.compared),
    ]
    return max((abs(point) for point in points if point is not None), default=0.0)


def adjusted(compared: Compared) -> str:
    """Return which share of the variance a covariate adjustment took away, `no` if it could not be made.

    Nothing where none was asked for.
    """
    match compared.adjusted, compared.variance_reduction:
        case None, _:
            return ""
        case False, _:
            return "no"
        case True, float(gained):
            return f"−{gained:.0%}".replace("%", " %") if gained > 0 else "0 %"
        case _:
            return "yes"


def titled(answer: Answer, *, with_statistic: bool) -> str:
    """Return what a metric is called: its name, and its statistic where that is not plain."""
    if with_statistic or " " in answer.statistic:
        return f"{answer.metric} ({answer.statistic})"
    return answer.metric


def bytes_text(count: int) -> str:
    """Return a number of bytes in the unit that leaves one to three digits before the point.

    >>> bytes_text(0), bytes_text(999), bytes_text(1_500_000)
    ('0 B', '999 B', '1.5 MB')
    """
    size = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < _KILO or unit == "TB":
            break
        size /= _KILO
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
