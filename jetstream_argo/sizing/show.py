"""Shows sizes: as a table, as JSON, and as a drawing."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from html import escape

from rich.table import Table

from jetstream_argo.sizing.effects import Design, Sized

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 360, 200, 56, 34, 28
# Okabe and Ito's colours, which people who are colour-blind tell apart: https://jfly.uni-koeln.de/color/
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")


def size_table(sizes: Sequence[Sized]) -> Table:
    """Return a row per metric, weeks and units."""
    table = Table(title="Smallest effects that are found", title_justify="left")
    table.add_column("metric", overflow="fold")  # names that are cut short may be those of two metrics
    for name in ("weeks", "units", "mean", "effect", "relative", "with covariate", "relative"):
        table.add_column(name, justify="right")
    plain = {(size.metric, size.weeks, size.units): size for size in sizes if not size.adjusted}
    adjusted = {(size.metric, size.weeks, size.units): size for size in sizes if size.adjusted}
    before = ""
    for key, found in plain.items():
        better = adjusted.get(key)
        table.add_row(
            "" if found.metric == before else found.metric,
            str(found.weeks),
            f"{found.units:,}",
            f"{found.mean:,.4g}",
            f"{found.effect:,.4g}",
            _share(found),
            "" if better is None else f"{better.effect:,.4g}",
            "" if better is None else _share(better),
        )
        before = found.metric
    return table


def size_json(slug: str, design: Design, sizes: Sequence[Sized]) -> str:
    """Return the same as one JSON object."""
    plain = {
        "experiment": slug,
        "confidence": design.confidence,
        "power": design.power,
        "shares": list(design.shares),
        "sizes": [asdict(size) for size in sizes],
    }
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"


def size_plot(sizes: Sequence[Sized]) -> str:
    """Return an SVG document: for each metric the relative effect by weeks, a line for each number of units.

    Solid lines are without covariate, dashed ones with it.
    """
    drawn = [size for size in sizes if size.relative is not None]
    metrics = list(dict.fromkeys(size.metric for size in drawn))
    height = max(len(metrics), 1) * _HEIGHT
    body = "".join(
        part for row, metric in enumerate(metrics) for part in _panel(row, [s for s in drawn if s.metric == metric])
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH + 160}" height="{height}" '
        f'viewBox="0 0 {_WIDTH + 160} {height}" font-family="system-ui, sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="white"/>{body}</svg>\n'
    )


def _panel(row: int, sizes: Sequence[Sized]) -> Iterator[str]:
    weeks = sorted({size.weeks for size in sizes})
    most = max(size.relative or 0.0 for size in sizes) or 1.0
    top, bottom = row * _HEIGHT + _TOP, (row + 1) * _HEIGHT - _BOTTOM

    def x(week: int) -> float:
        return _LEFT + (_WIDTH - _LEFT - 12) * (weeks.index(week) + 0.5) / len(weeks)

    def y(share: float) -> float:
        return bottom - (bottom - top) * share / most

    yield f'<text x="8" y="{top - 10}" font-weight="bold">{escape(sizes[0].metric)}: smallest relative effect</text>'
    for share in (0.0, most / 2, most):
        yield f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y(share):.1f}" y2="{y(share):.1f}" stroke="#ccc"/>'
        yield f'<text x="{_LEFT - 6}" y="{y(share) + 4:.1f}" text-anchor="end">{share:.2%}</text>'
    for week in weeks:
        label = "1 week" if week == 1 else f"{week} weeks"
        yield f'<text x="{x(week):.1f}" y="{bottom + 18}" text-anchor="middle">{label}</text>'
    for number, units in enumerate(dict.fromkeys(size.units for size in sizes)):
        colour = _COLOURS[number % len(_COLOURS)]
        yield f'<text x="{_WIDTH + 12}" y="{top + 16 * (number + 1)}" fill="{colour}">{units:,} units</text>'
        for adjusted, dash in ((False, ""), (True, ' stroke-dasharray="5 4"')):
            own = [size for size in sizes if size.units == units and size.adjusted is adjusted]
            points = " ".join(f"{x(size.weeks):.1f},{y(size.relative or 0.0):.1f}" for size in own)
            if points:
                yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'


def _share(found: Sized) -> str:
    return "" if found.relative is None else f"{found.relative:.2%}"
