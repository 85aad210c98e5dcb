"""The section about who enrolled when: units per date and branch."""

from jetstream_argo.report.page.material import Material
from jetstream_argo.report.page.parts import Part, rendered
from jetstream_argo.report.page.svg.elements import markup
from jetstream_argo.report.page.svg.lines import Chart, Label, Point, Series, drawn, ticks, vertical
from jetstream_argo.terminal.plural import counted

_MOST_LABELS = 6


def enrollment(material: Material) -> Part | None:
    """Return the units that enrolled, by date and branch."""
    if not material.enrolled:
        return None
    counts = {(count.day, count.branch): count.units for count in material.enrolled}
    days = sorted({day for day, _ in counts})
    branches = [name for name in material.branches if any(count.branch == name for count in material.enrolled)]
    series = tuple(
        Series(
            branch,
            material.number(branch),
            tuple(
                Point(
                    (place + 0.5) / len(days),
                    float(counts.get((day, branch), 0)),
                    tip=f"{branch}, {day}: {counted(counts.get((day, branch), 0), 'unit')}",
                )
                for place, day in enumerate(days)
            ),
        )
        for branch in branches
    )
    axis = vertical(series)
    step = -(-len(days) // _MOST_LABELS)
    chart = Chart(
        title="Units that enrolled, by date and branch",
        series=series,
        labels=tuple(
            Label((place + 0.5) / len(days), f"{day.day} {day:%b}")
            for place, day in enumerate(days)
            if not place % step
        ),
        below="date of enrollment",
        written=tuple((tick, f"{tick:,.0f}") for tick in ticks(axis) if tick >= 0 and tick == int(tick)),
        axis=axis,
    )
    rows = [(day.isoformat(), [f"{counts.get((day, branch), 0):,}" for branch in branches]) for day in days]
    table = rendered("by_branch.html", head="date", rows=rows, branches=branches)
    body = rendered(
        "chart.html", chart=chart, drawing=markup(drawn(chart)), caption="Units that enrolled on each date", table=table
    )
    return Part("enrollment", "Enrollment", body)
