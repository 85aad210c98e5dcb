"""Shows on a terminal whether effects in a segment differ from those on all other units."""

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from jetstream_argo.report.segment_tests import SegmentTest
from jetstream_argo.report.summary import formatting
from jetstream_argo.report.summary.model import Window


def segment_table(tests: Sequence[SegmentTest], window: Window) -> RenderableType:
    """Return the tests of a window's segment: a line for each metric and branch."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("metric")
    several = len({test.branch for test in tests}) > 1
    if several:
        table.add_column("branch")
    table.add_column(Text(f"effect in\n{window.segment}"), justify="right")
    for heading in ("effect\nelsewhere", "difference, with interval"):
        table.add_column(heading, justify="right")
    table.add_column(f"Holm p\nof {tests[0].family}", justify="right")
    for test in tests:
        scale = max(abs(test.lower), abs(test.upper), abs(test.effect), abs(test.effect_elsewhere))
        numbers = (test.effect, test.effect_elsewhere, test.difference, test.lower, test.upper)
        effect, rest, point, lower, upper = (formatting.plus_number(number, beside=scale) for number in numbers)
        cells = (effect, rest, f"{point} [{lower}, {upper}]", formatting.p_valued(test.p_value_holm))
        table.add_row(*map(Text, (test.metric, *((test.branch,) if several else ()), *cells)))
    title = Text(f"Do effects in {window.segment} differ from those on all other units?", style="bold")
    return Group(title, table, Text(""))


def tests_of(tests: Sequence[SegmentTest], window: Window) -> tuple[SegmentTest, ...]:
    """Return the tests of a window's segment, of the metrics that it shows."""
    place = (window.period, window.index, window.basis, window.segment)
    shown = {answer.metric for answer in window.answers}
    return tuple(
        test
        for test in tests
        if (test.period, test.window_index, test.basis, test.segment) == place and test.metric in shown
    )
