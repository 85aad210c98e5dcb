"""Turns estimates into answers: chooses the statistic that speaks for a metric, and reads it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from jetstream_argo.config.model import MetricRole
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Value
from jetstream_argo.report.files import as_json
from jetstream_argo.report.summary.model import (
    DECILES,
    About,
    Answer,
    Compared,
    Curve,
    DecileTable,
    PointInterval,
    Verdict,
    Window,
)
from jetstream_argo.report.views import TESTS
from jetstream_argo.store.estimates_table import IDENTITY, SAMPLE_RATIO

Row = Mapping[str, Value]

CLEAR = 0.05  # the p-value, adjusted by Holm, below which a difference is taken for one
_EVEN = 0.5  # chance
_CURVE = 20  # more points than this are a curve
_ROLES = {role: place for place, role in enumerate(MetricRole)}


def windows_of(rows: Iterable[Row], about: About, *, reference: str | None = None) -> tuple[Window, ...]:
    """Return the windows that estimates are about, in the order of the rows; `overall` first.

    Branches are compared with `reference`, or else the experiment's own, `control`, or the first with comparisons.
    """
    groups: dict[tuple[Value, ...], list[Row]] = {}
    all_rows = list(rows)
    wanted = reference or about.reference
    compared_with = wanted if wanted is not None else _reference(all_rows)
    for row in all_rows:
        key = (row["period"], row["window_index"], row["analysis_basis"], row["segment"])
        groups.setdefault(key, []).append(row)
    found = [_window(group, about, compared_with or "") for group in groups.values()]
    return tuple(sorted(found, key=lambda window: window.period != Period.OVERALL.value))


def _reference(rows: Sequence[Row]) -> str | None:
    compared = {row["comparison_to_branch"] for row in rows}
    branches = [str(branch) for branch in dict.fromkeys(row["branch"] for row in rows) if branch in compared]
    return "control" if "control" in branches else next(iter(branches), None)


def _window(rows: Sequence[Row], about: About, reference: str) -> Window:
    first = rows[0]
    family = len(
        {
            (row["metric"], row["branch"])
            for row in rows
            if row["comparison_to_branch"] == reference and row.get("p_value_holm") is not None
        }
    )
    by_statistic: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        if row["metric"] not in (IDENTITY, SAMPLE_RATIO) and row["comparison_to_branch"] in (None, reference):
            by_statistic.setdefault(str(row["metric"]), {}).setdefault(_label(row), []).append(row)
    answers, further, deciles = [], [], []
    curves: list[Curve] = []
    for metric, statistics in by_statistic.items():
        drawn = {DECILES, *_curve_names(statistics)}
        found = [
            _answer(metric, label, of_label, about, reference, family)
            for label, of_label in statistics.items()
            if not (" " in label and label.partition(" ")[0] in drawn)
        ]
        ranked = sorted(found, key=_rank)
        answers += ranked[:1]
        further += ranked[1:]
        of_deciles = [row for label, rest in statistics.items() if label.startswith(f"{DECILES} ") for row in rest]
        if of_deciles:
            deciles.append(_deciles(metric, of_deciles, about, reference))
        curves += _curves(metric, statistics, about)
    branches = dict.fromkeys(str(row["branch"]) for row in rows)
    settles = [day for row in rows if isinstance(day := row.get("settles_on"), date)]
    return Window(
        period=str(first["period"]),
        index=int(str(first["window_index"])),
        first_day=int(str(first["window_start"])),
        last_day=int(str(first["window_end"])),
        basis=str(first["analysis_basis"]),
        segment=str(first["segment"]),
        reference=reference,
        branches=(reference, *(name for name in branches if name != reference)) if reference else tuple(branches),
        answers=tuple(sorted(answers, key=lambda answer: _ROLES[answer.about.role])),
        deciles=tuple(deciles),
        further=tuple(further),
        family=family,
        mismatch_p_value=_number(first.get("sample_ratio_p_value")) if first.get("sample_ratio_mismatch") else None,
        settles_on=max(settles, default=None),
        split_p_value=_number(first.get("sample_ratio_p_value")),
        curves=tuple(curves),
    )


def _label(row: Row) -> str:
    return str(row["statistic"]) + ("" if row["parameter"] is None else f" {as_json(row['parameter'])}")


def _curve_names(labels: Iterable[str]) -> list[str]:
    """Return the statistics that have more parameters than can be read one by one."""
    counts = Counter(name for name, _, parameter in (label.partition(" ") for label in labels) if parameter)
    return [name for name, count in counts.items() if count > _CURVE and name != DECILES]


def _rank(answer: Answer) -> tuple[bool, int, bool]:
    """Return what comes first: a test by which the window's family is counted, then whatever compares at all."""
    name = answer.statistic.partition(" ")[0]
    place = TESTS.index(name) if name in TESTS else len(TESTS)
    return not answer.compared, place, " " in answer.statistic


def _answer(metric: str, label: str, rows: Sequence[Row], about: About, reference: str, family: int) -> Answer:
    alone = {str(row["branch"]): row for row in rows if row["comparison"] is None}
    others = dict.fromkeys(str(row["branch"]) for row in rows if row["comparison"] is not None)
    own = alone.get(reference)
    known = about.metric(metric)
    return Answer(
        metric=metric,
        statistic=label,
        about=known,
        reference=_interval(own) if own is not None else None,
        reference_units=_whole(own["n_units"]) if own is not None else None,
        compared=tuple(_compared(branch, rows, alone.get(branch), known.bigger_is_better, family) for branch in others),
        alone=() if others else tuple((branch, _interval(row)) for branch, row in alone.items()),
    )


def _compared(
    branch: str, rows: Sequence[Row], own: Row | None, bigger_is_better: bool | None, family: int
) -> Compared:
    found = {str(row["comparison"]): row for row in rows if row["branch"] == branch and row["comparison"] is not None}
    uplift, difference = found.get("relative_uplift"), found.get("difference")
    of_branch = [row for row in (own, uplift, difference) if row is not None]
    tested = difference or uplift
    p_value, holm = (_number(tested.get(name)) if tested else None for name in ("p_value", "p_value_holm"))
    intervals = [_interval(row) for row in (difference, uplift) if row is not None]
    return Compared(
        branch=branch,
        value=_interval(own) if own is not None else PointInterval(None),
        units=_whole(own["n_units"]) if own is not None else None,
        uplift=_interval(uplift) if uplift is not None else None,
        difference=_interval(difference) if difference is not None else None,
        verdict=_verdict(intervals, holm, bigger_is_better=_is_bigger_better(of_branch, bigger_is_better)),
        p_value=p_value,
        p_value_holm=holm,
        family=family,
        adjusted=next((bool(row["adjusted"]) for row in of_branch if row["adjusted"] is not None), None),
        variance_reduction=_first(of_branch, "variance_reduction"),
        chance_to_win=_first(of_branch, "chance_to_win"),
        expected_loss=_first(of_branch, "expected_loss"),
        notes=tuple(_notes(of_branch)),
        confidence=_first(of_branch, "ci_width") or 0.95,
    )


def _is_bigger_better(rows: Sequence[Row], known: bool | None) -> bool:
    """Return what is known, or else what the chance to win was computed by; bigger is better where neither says."""
    if known is not None:
        return known
    for row in rows:
        chance, point = _number(row.get("chance_to_win")), _number(row["point"])
        if row["comparison"] == "difference" and chance is not None and point:
            return (chance > _EVEN) is (point > 0)
    return True


def _verdict(intervals: Sequence[PointInterval], holm: float | None, *, bigger_is_better: bool) -> Verdict:
    """Return what follows: `perhaps` is an interval without zero whose p-value is not small among all comparisons."""
    bounded = next((interval for interval in intervals if interval.is_bounded and interval.point is not None), None)
    if bounded is None or bounded.point is None:
        return Verdict.UNKNOWN
    is_clear = holm < CLEAR if holm is not None else bounded.leaves_out_zero
    if not is_clear and not bounded.leaves_out_zero:
        return Verdict.UNCLEAR
    is_higher = bounded.point > 0
    if is_higher is bigger_is_better:
        words = (Verdict.BETTER, Verdict.PERHAPS_BETTER)
    else:
        words = (Verdict.WORSE, Verdict.PERHAPS_WORSE)
    return words[0] if is_clear else words[1]


def _notes(rows: Sequence[Row]) -> Iterator[str]:
    yield from dict.fromkeys(str(row["reason"]).replace("_", " ") for row in rows if row["reason"])
    uplifts = (row for row in rows if row["comparison"] == "relative_uplift")
    clipped = next((row for row in uplifts if row.get("clipping_matters")), None)
    if clipped is not None and (unclipped := _number(clipped.get("unclipped"))) is not None:
        yield f"clipping matters: {unclipped:+.1%} without it"
    lacking = next((row for row in reversed(rows) if row.get("n_without_covariate")), None)
    if lacking is not None:
        missing, used = int(str(lacking["n_without_covariate"])), int(str(lacking["n_units"]))
        counted = "units of both branches" if lacking["comparison"] else "units"
        yield f"{missing:,} of {missing + used:,} {counted} have no covariate"


def _deciles(metric: str, rows: Sequence[Row], about: About, reference: str) -> DecileTable:
    values: dict[float, dict[str, PointInterval]] = {}
    differences: dict[float, dict[str, PointInterval]] = {}
    for row in rows:
        share = float(str(row["parameter"]))
        if row["comparison"] is None:
            values.setdefault(share, {})[str(row["branch"])] = _interval(row)
        elif row["comparison"] == "difference":
            differences.setdefault(share, {})[str(row["branch"])] = _interval(row)
    branches = dict.fromkeys(str(row["branch"]) for row in rows)
    return DecileTable(
        metric,
        about.metric(metric),
        (reference, *(name for name in branches if name != reference)) if reference in branches else tuple(branches),
        tuple((share, values.get(share, {}), differences.get(share, {})) for share in sorted({*values, *differences})),
    )


def _curves(metric: str, statistics: Mapping[str, Sequence[Row]], about: About) -> Iterator[Curve]:
    """Yield the statistics of a metric that are curves: each branch's own values, by the place that they are of."""
    found: dict[str, dict[str, list[tuple[float, PointInterval]]]] = {name: {} for name in _curve_names(statistics)}
    for label, rows in statistics.items():
        name = label.partition(" ")[0]
        for row in rows if name in found else ():
            if row["comparison"] is None and row["parameter"] is not None:
                point = (float(str(row["parameter"])), _interval(row))
                found[name].setdefault(str(row["branch"]), []).append(point)
    for name, branches in found.items():
        points = {
            branch: tuple(sorted(of_branch, key=lambda point: point[0])) for branch, of_branch in branches.items()
        }
        yield Curve(metric, name, about.metric(metric), points)


def _interval(row: Row) -> PointInterval:
    return PointInterval(_number(row["point"]), _number(row["lower"]), _number(row["upper"]))


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Value) -> int | None:
    return value if isinstance(value, int) else None


def _first(rows: Sequence[Row], name: str) -> float | None:
    return next((found for row in rows if (found := _number(row.get(name))) is not None), None)
