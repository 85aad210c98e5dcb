"""Shows answers on a terminal: a line for each comparison, with a bar on one scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from rich import box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from jetstream_argo.report.summary import formatting
from jetstream_argo.report.summary.model import Answer, Compared, DecileTable, PointInterval, Verdict, Window

_FOLDED_NAME = 12  # how much of a line a metric's name gets at least, before the bar is left out
# How many columns of the terminal a bar takes, and how many are between columns: the first for which there is room.
_SIZES = ((13, 2), (9, 2), (9, 1), (0, 1))
_STYLES = {
    Verdict.BETTER: "bold green",
    Verdict.WORSE: "bold red",
    Verdict.PERHAPS_BETTER: "green",
    Verdict.PERHAPS_WORSE: "red",
    Verdict.UNKNOWN: "dim",
}


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a table, with its cells; numbers stand to the right, and only words are folded."""

    head: str
    cells: tuple[Text, ...]
    is_number: bool = False
    folds: bool = False

    @property
    def width(self) -> int:
        """How many columns of the terminal it takes at least."""
        texts = [line for cell in (*self.cells, Text(self.head)) for line in cell.plain.split("\n")]
        if self.folds:
            texts = [word for text in texts for word in text.split(" ")]
        return max((cell_len(text) for text in texts), default=0)


@dataclass(frozen=True, slots=True)
class _AnswerLine:
    """An answer with what it is called in its table."""

    name: str
    answer: Answer


def window_table(window: Window, *, width: int, today: date | None = None) -> RenderableType:
    """Return a window's answers as a table that fits into `width` columns of a terminal."""
    tables = _tables(window.answers, window, width, with_statistic=False)
    return Group(_heading(window, today), *tables, Text(""))


def further_table(window: Window, *, width: int) -> RenderableType:
    """Return what other statistics say of the metrics that have an answer."""
    return Group(*_tables(window.further, window, width, with_statistic=True), Text(""))


def over_time(windows: Sequence[Window], metric: str, *, width: int) -> RenderableType:
    """Return one metric's answers window after window."""
    first = windows[0]
    units = "all units" if first.segment == "all" else first.segment
    lines = [
        _AnswerLine(f"{window.index}: {window.days}", answer)
        for window in windows
        for answer in window.answers
        if answer.metric == metric
    ]
    title = Text(f"{metric} · by {first.period} · {first.basis} · {units}", style="bold")
    return Group(title, _table(first.period, lines, first, width), Text(""))


def decile_table(deciles: DecileTable, window: Window) -> RenderableType:
    """Return deciles as a table of deciles by branches."""
    title = Text(f"deciles of {deciles.metric} · {window.title}", style="bold")
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("below")
    for branch in deciles.branches:
        table.add_column(Text(branch), justify="right")
    others = [branch for branch in deciles.branches if branch != window.reference]
    for branch in others:
        table.add_column(Text(f"{branch} − {window.reference}"), no_wrap=True)
    for share, values, differences in deciles.rows:
        own = [formatting.valued(values.get(branch), deciles.about, is_share=False) for branch in deciles.branches]
        scale = max((abs(value.point or 0.0) for value in values.values()), default=0.0)
        between = [_difference(differences.get(branch), scale) for branch in others]
        table.add_row(f"{share:.0%}".replace("%", " %"), *map(Text, own), *between)
    return Group(title, table, Text(""))


def _heading(window: Window, today: date | None) -> Text:
    heading = Text(window.title, style="bold")
    if window.mismatch_p_value is not None:
        p_value = formatting.p_valued(window.mismatch_p_value)
        heading.append(f" · units are not split as designed (p {p_value}): doubt all of this", style="red")
    if today is not None and window.settles_on is not None and window.settles_on > today:
        heading.append(f" · provisional until {window.settles_on}", style="yellow")
    return heading


def _tables(answers: Sequence[Answer], window: Window, width: int, *, with_statistic: bool) -> list[Table]:
    """Return a table of the answers that compare branches, and of those that do not, as far as there are any."""
    lines = [_AnswerLine(formatting.titled(answer, with_statistic=with_statistic), answer) for answer in answers]
    compared = [line for line in lines if line.answer.compared]
    alone = [line for line in lines if not line.answer.compared]
    return [_table("metric", chosen, window, width) for chosen in (compared, alone) if chosen]


def _table(head: str, lines: Sequence[_AnswerLine], window: Window, width: int) -> Table:
    for bar, gap in _SIZES:
        columns = _columns(head, lines, window, bar)
        name, *others = (column.width + gap for column in columns)
        if min(name, _FOLDED_NAME + gap) + sum(others) - gap <= width:
            break
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap - 1, 0, 0))
    for column in columns:
        folds = column.folds or column.head == head
        table.add_column(
            Text(column.head),
            justify="right" if column.is_number else "left",
            no_wrap=not folds,
            overflow="fold" if folds else "ellipsis",
        )
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*cells)
    return table


def _columns(head: str, lines: Sequence[_AnswerLine], window: Window, bar: int) -> list[_Column]:
    """Return the columns that are needed: no branch where only two are compared, no bar without room."""
    pairs = [(line, compared) for line in lines for compared in line.answer.compared]
    if not pairs:
        return _alone(head, lines)
    others = list(dict.fromkeys(compared.branch for _, compared in pairs))
    scale = _scale([compared for _, compared in pairs])
    firsts = [line.answer.compared[0] is compared for line, compared in pairs]
    named = zip(pairs, firsts, strict=True)
    columns = [
        _Column(head, tuple(Text(line.name if first else "") for (line, _), first in named)),
        _Column(
            window.reference,
            tuple(
                Text(_value(line.answer, line.answer.reference) if first else "")
                for (line, _), first in zip(pairs, firsts, strict=True)
            ),
            is_number=True,
        ),
    ]
    values = tuple(Text(_value(line.answer, compared.value)) for line, compared in pairs)
    if len(others) > 1:
        columns += [_Column("branch", tuple(Text(compared.branch) for _, compared in pairs))]
    columns += [_Column("value" if len(others) > 1 else others[0], values, is_number=True)]
    columns += [
        _Column(
            "uplift",
            tuple(Text(formatting.uplifted(comparison.uplift), style=_style(comparison)) for _, comparison in pairs),
        )
    ]
    if bar:
        columns += [
            _Column("", tuple(_bar(comparison.uplift, scale, bar, _style(comparison)) for _, comparison in pairs))
        ]
    several = window.family > 1
    p_values = (comparison.p_value_holm if several else comparison.p_value for _, comparison in pairs)
    p_head = f"Holm p\nof {window.family}" if several else "p"
    columns += [_Column(p_head, tuple(Text(formatting.p_valued(value)) for value in p_values), is_number=True)]
    if any(comparison.adjusted is not None for _, comparison in pairs):
        adjusted = (
            Text(formatting.adjusted(comparison), style="yellow" if comparison.adjusted is False else "")
            for _, comparison in pairs
        )
        columns += [_Column("CUPED", tuple(adjusted), is_number=True)]
    return [*columns, _Column("verdict", tuple(_verdict(comparison) for _, comparison in pairs), folds=True)]


def _alone(head: str, lines: Sequence[_AnswerLine]) -> list[_Column]:
    rows = [(line, place, pair) for line in lines for place, pair in enumerate(line.answer.alone)]
    return [
        _Column(head, tuple(Text("" if place else line.name) for line, place, _ in rows)),
        _Column("branch", tuple(Text(branch) for _, _, (branch, _) in rows)),
        _Column("value", tuple(Text(_value(line.answer, value)) for line, _, (_, value) in rows), is_number=True),
    ]


def _value(answer: Answer, interval: PointInterval | None) -> str:
    return formatting.valued(interval, answer.about, is_share=answer.is_share)


def _verdict(compared: Compared) -> Text:
    text = Text(compared.verdict.value, style=_style(compared))
    for note in compared.notes:
        text.append(f"; {note}", style="yellow")
    return text


def _style(compared: Compared) -> str:
    return _STYLES.get(compared.verdict, "")


def _difference(interval: PointInterval | None, scale: float) -> Text:
    if interval is None or interval.point is None:
        return Text(formatting.NOTHING)
    ends = (interval.point, interval.lower, interval.upper)
    point, lower, upper = (formatting.plus_number(end, beside=scale) for end in ends)
    text = f"{point} [{lower}, {upper}]" if interval.is_bounded else point
    return Text(text, style="bold" if interval.leaves_out_zero else "")


def _scale(compared: Sequence[Compared]) -> float:
    """Return the largest end of an interval, so that all bars have the same scale."""
    intervals = [comparison.uplift for comparison in compared if comparison.uplift is not None]
    ends = [
        end for interval in intervals for end in (interval.lower, interval.upper, interval.point) if end is not None
    ]
    return max(map(abs, ends), default=0.0)


def _bar(interval: PointInterval | None, scale: float, size: int, style: str) -> Text:
    """Return an interval as a bar: a line from end to end, a dot at the point, and where zero is."""
    if interval is None or interval.point is None or interval.lower is None or interval.upper is None or not scale:
        return Text("")
    half = size // 2
    lower, point, upper = (
        max(0, min(size - 1, half + round(value / scale * half)))
        for value in (interval.lower, interval.point, interval.upper)
    )
    cells = ["─" if lower <= cell <= upper else " " for cell in range(size)]
    cells[half] = "┼" if cells[half] == "─" else "│"
    cells[point] = "●"
    return Text("".join(cells), style=style)
