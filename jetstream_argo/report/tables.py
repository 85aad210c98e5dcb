"""Shows estimates to people: a table per window, a line per branch, each with its comparison to the reference."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from jetstream_argo.dialect.types import Value
from jetstream_argo.report.facts import NOTHING, Facts
from jetstream_argo.report.files import as_json
from jetstream_argo.report.sentences import sentences, units_line
from jetstream_argo.report.summary import formatting
from jetstream_argo.warehouse.types import Result

_NUMBERS = (
    ("p_value", "p"),
    ("p_value_holm", "of all"),
    ("chance_to_win", "wins"),
    ("rest_effect", "elsewhere"),
    ("rest_p_value_holm", "differs from elsewhere, of all: p"),
)
_CURVE = 20  # more points than this are a curve, which nobody reads as numbers
_Row = Mapping[str, Value]


def estimate_tables(
    result: Result, *, reference: str | None = None, facts: Facts = NOTHING, today: date | None = None
) -> Iterator[RenderableType]:
    """Yield what is to be known before, then a table per period, window, basis and segment, from `read_estimates`.

    Branches are compared with `reference`: by default `control`, or the first branch where there is none. Without
    `today` nothing is said to be provisional.
    """
    if facts.units is not None:
        yield Text(units_line(facts.units))
    for sentence in sentences(facts):
        yield Text(sentence, style="yellow")
    rows = list(result.dicts())
    if not rows:
        yield Text("no estimates")
        return
    compared_with = reference or _reference(rows)
    curves = _curves(rows)
    groups: dict[tuple[Value, ...], list[_Row]] = {}
    for row in rows:
        if row["comparison_to_branch"] in (None, compared_with) and (row["metric"], row["statistic"]) not in curves:
            key = (row["period"], row["window_index"], row["analysis_basis"], row["segment"])
            groups.setdefault(key, []).append(row)
    for of_group in groups.values():
        yield _table(of_group, compared_with, today)
    if curves:
        names = ", ".join(f"{metric} {statistic}" for metric, statistic in curves)
        yield Text(f"not shown: {names}, which are curves; use another --format", style="dim")


def number(value: Value) -> str:
    """Return a number with four significant digits, or all of its whole ones.

    >>> number(0.0123456), number(1234567.8), number(None)
    ('0.01235', '1,234,568', '–')
    """
    return formatting.four_digits(value) if isinstance(value, int | float) else formatting.NOTHING


@dataclass(slots=True)
class _EstimateLine:
    """One branch's estimate of one statistic, and how it compares."""

    alone: _Row | None = None
    comparisons: dict[str, _Row] = field(default_factory=dict)


def _reference(rows: Sequence[_Row]) -> str | None:
    compared = {row["comparison_to_branch"] for row in rows}
    branches = [str(branch) for branch in dict.fromkeys(row["branch"] for row in rows) if branch in compared]
    return "control" if "control" in branches else next(iter(branches), None)


def _curves(rows: Sequence[_Row]) -> dict[tuple[Value, Value], None]:
    points: dict[tuple[Value, Value], set[Value]] = {}
    for row in rows:
        points.setdefault((row["metric"], row["statistic"]), set()).add(as_json(row["parameter"]))  # type: ignore[arg-type]  # a scalar
    return {curve: None for curve, found in points.items() if len(found) > _CURVE}


def _table(rows: Sequence[_Row], reference: str | None, today: date | None) -> Table:
    first = rows[0]
    title = f"{first['period']} {first['window_index']}, days {first['window_start']} to {first['window_end']}"
    title += f" · {first['analysis_basis']} · {'all units' if first['segment'] == 'all' else first['segment']}"
    heading = Text(title, style="bold")
    if first.get("sample_ratio_mismatch"):
        p_value = first["sample_ratio_p_value"]
        heading.append(f" · units are not split as designed (p = {number(p_value)}): doubt all of this", style="red")
    settles_on = max((day for row in rows if isinstance(day := row.get("settles_on"), date)), default=None)
    if today is not None and settles_on is not None and settles_on > today:
        heading.append(f" · provisional until {settles_on}", style="yellow")
    table = Table(title=heading, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("metric")
    table.add_column("statistic")
    table.add_column("branch")
    table.add_column("units", justify="right")
    table.add_column("estimate", no_wrap=True)
    if reference is not None:
        table.add_column(f"minus {reference}", no_wrap=True)
        table.add_column("relative uplift", no_wrap=True)
    table.add_column("notes")
    before = ""
    for (metric, statistic, branch), line in _lines(rows).items():
        shown = "" if metric == before else metric
        if shown and before:
            table.add_section()
        before = metric
        table.add_row(*(Text(cell) for cell in (shown, statistic, branch)), *_cells(line, reference))
    return table


def _lines(rows: Sequence[_Row]) -> dict[tuple[str, str, str], _EstimateLine]:
    """Return a line per branch of each metric's statistics, those that are one number first."""
    lines: dict[tuple[str, str, str], _EstimateLine] = {}
    for row in sorted(rows, key=lambda row: (str(row["metric"]), row["parameter"] is not None)):
        parameter = "" if row["parameter"] is None else f" {as_json(row['parameter'])}"
        key = (str(row["metric"]), f"{row['statistic']}{parameter}", str(row["branch"]))
        line = lines.setdefault(key, _EstimateLine())
        if row["comparison"] is None:
            line.alone = row
        else:
            line.comparisons[str(row["comparison"])] = row
    return lines


def _cells(line: _EstimateLine, reference: str | None) -> Iterator[Text]:
    estimates = [*([line.alone] if line.alone else []), *line.comparisons.values()]
    units = line.alone["n_units"] if line.alone else None
    yield Text(f"{units:,}" if isinstance(units, int) else "")
    yield _interval(line.alone)
    if reference is not None:
        yield _interval(line.comparisons.get("difference"), sign="+")
        yield _interval(line.comparisons.get("relative_uplift"), sign="+", percent=True)
    yield Text(", ".join(_notes(estimates)), style="yellow")


def _interval(row: _Row | None, *, sign: str = "", percent: bool = False) -> Text:
    """Return `point [lower, upper]`; bold where the interval of a comparison leaves out zero."""
    if row is None:
        return Text("")
    point, lower, upper = (_shown(row[name], sign=sign, percent=percent) for name in ("point", "lower", "upper"))
    text = point + (" %" if percent and point != "–" else "")
    if row["lower"] is None and row["upper"] is None:
        return Text(text)
    return Text(f"{text} [{lower}, {upper}]", style="bold" if sign and _leaves_out_zero(row) else "")


def _shown(value: Value, *, sign: str, percent: bool) -> str:
    if not isinstance(value, int | float):
        return "–"
    text = f"{value * 100:.2f}" if percent else number(value)
    return f"{sign}{text}" if value > 0 else text


def _leaves_out_zero(row: _Row) -> bool:
    lower, upper = row["lower"], row["upper"]
    return (isinstance(lower, int | float) and lower > 0) or (isinstance(upper, int | float) and upper < 0)


def _notes(rows: Sequence[_Row]) -> Iterator[str]:
    """Yield what a reader must know, each once: of the adjustment, reasons, p-values (Holm's: `of all`)."""
    yield from _about_covariate(rows)
    reasons = dict.fromkeys(str(row["reason"]).replace("_", " ") for row in rows if row["reason"])
    yield from reasons
    for name, shown in _NUMBERS:
        values = [row[name] for row in rows if isinstance(row.get(name), float)]
        if values:
            yield f"{shown} = {values[0]:.2g}"


def _about_covariate(rows: Sequence[_Row]) -> Iterator[str]:
    """Yield whether the adjustment was made, between which means, and how many units no number here is about."""
    if any(row["adjusted"] is False for row in rows):
        yield "unadjusted"
    for row in rows:
        if row.get("adjusted_mean") is not None:
            yield f"adjusted: {number(row['adjusted_mean'])} against {number(row['adjusted_reference_mean'])}"
    lacking = [row for row in rows if row.get("n_without_covariate")]
    if lacking:
        row = lacking[0]
        missing, used = int(str(row["n_without_covariate"])), int(str(row["n_units"]))
        counted = "of both branches" if row["comparison"] else "units"
        yield f"{missing:,} of {missing + used:,} {counted} have no covariate"
