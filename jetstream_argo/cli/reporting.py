"""The commands that look at what is there: `results` and `status`. They need the warehouse and a name, no more."""

import io
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jetstream_argo.cli.choices import chosen_metrics, chosen_periods
from jetstream_argo.cli.options import dataset_option, plan_option, selection_options, warehouse_option
from jetstream_argo.config.model import Basis
from jetstream_argo.report.failures import of_node
from jetstream_argo.report.files import FORMATS
from jetstream_argo.report.sentences import sentences
from jetstream_argo.report.status import StatusReport, only, status_report
from jetstream_argo.report.targets import Target, entries_of, target_of
from jetstream_argo.report.upgraded import check_upgraded
from jetstream_argo.stats.rows import Comparison
from jetstream_argo.storage.files import write_file
from jetstream_argo.store.entries import Entry, read_entries
from jetstream_argo.terminal.text import deliver, warn
from jetstream_argo.warehouse.types import Result

if TYPE_CHECKING:
    from rich.console import RenderableType

    from jetstream_argo.report.results import Filters
    from jetstream_argo.report.summary.model import About

_WIDTH = 160  # of tables that go to a file or another program
_FORMATS = ("table", *FORMATS)
_DETAIL = "detail"
_ALONE = "none"


def _looking(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what both commands have."""
    options = (
        click.argument("experiment", required=False),
        plan_option,
        dataset_option,
        warehouse_option,
        selection_options,
        click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="A file to write to."),
        click.option("--exit-code", is_flag=True, help="Exit with 2 or 75 when results are lacking; 75: run again."),
    )
    for option in reversed(options):
        command = option(command)
    return command


_FORMAT = click.option(
    "--format", "format_", type=click.Choice(_FORMATS), default="table", show_default=True,
    help="All but tables are for programs.",
)  # fmt: skip


@click.command(epilog="Example: jetstream-argo results new-checkout --period week --metrics revenue,orders")
@_looking
@click.option(
    "--format", "format_", type=click.Choice([*_FORMATS, _DETAIL]), default="table", show_default=True,
    help=f"`{_DETAIL}`: a line for every statistic and branch, with intervals in the metric's unit.",
)  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Every window, basis and segment, all statistics, deciles.")
@click.option("--over-time", is_flag=True, help="Metric by metric, window after window.")
@click.option("--window", "windows", type=click.IntRange(1), multiple=True, help="Only this window of each period.")
@click.option("--segment", "segments", multiple=True, help="`all` for all units.")
@click.option(
    "--basis", "bases", type=click.Choice([basis.value for basis in Basis]), multiple=True, help="Which units count."
)
@click.option("--statistic", "statistics", multiple=True, help="Only these, as rows of csv name them.")
@click.option("--branch", "branches", multiple=True, help="Only these.")
@click.option(
    "--comparison",
    "comparisons",
    type=click.Choice([*(comparison.value for comparison in Comparison), _ALONE]),
    multiple=True,
    help=f"`{_ALONE}`: estimates of one branch alone.",
)
@click.option("--reference", help="In tables: the branch to compare with. Default: the plan's, or control.")
def results(
    experiment: str | None, plan_file: Path | None, dataset: str | None, warehouse: str, exit_code: bool, **asked: Any
) -> int:
    """Print the latest estimates of EXPERIMENT, a slug.

    A line for each metric and branch: values, relative uplift with its interval, the p-value (adjusted by Holm's method
    for all comparisons of the window), and what follows. Overall first; options choose the rest, and add up.
    """
    from jetstream_argo.report.results import Filters, with_units

    target = target_of(experiment, plan_file, dataset, warehouse)
    entries = entries_of(target)
    filters = Filters(
        metrics=chosen_metrics(target, entries, asked["metrics"], asked["sources"]),
        periods=chosen_periods(asked["periods"]),
        **{name: asked[name] for name in ("windows", "segments", "bases", "statistics", "comparisons", "branches")},
    )
    report = only(status_report(None, entries), filters.metrics, filters.periods)
    _warn(report, facts=asked["format_"] not in ("table", _DETAIL))
    is_table = asked["format_"] == "table"
    result = _estimates(target, filters, report, all_metrics=is_table)
    if asked["format_"] == _DETAIL:
        from jetstream_argo.report.tables import estimate_tables

        reference = asked["reference"] or _about(target, entries).reference
        _print(
            lambda _: estimate_tables(result, reference=reference, facts=report.facts, today=_today()), asked["output"]
        )
    elif is_table:
        about = _about(target, entries)
        _print(lambda width: _answers(result, about, report, filters, asked, width), asked["output"])
    else:
        _write(FORMATS[asked["format_"]](with_units(result, report.facts)), asked["output"])
    if not exit_code:
        return 0
    return only(status_report(target.plan, entries), filters.metrics, filters.periods).exit_code


@click.command(epilog="Example: jetstream-argo status new-checkout --lacking")
@_looking
@_FORMAT
@click.option("--lacking", is_flag=True, help="Only metrics that are missing, outdated or failed.")
@click.option("--all", "everything", is_flag=True, help="A line for each experiment: how far, failures, a week's cost.")
def status(
    experiment: str | None, plan_file: Path | None, dataset: str | None, warehouse: str, exit_code: bool, **asked: Any
) -> int:
    """Say what was computed for EXPERIMENT, a slug, and what failed and why; with --plan also what is missing."""
    if asked["everything"]:
        if experiment or plan_file:
            raise click.UsageError("give an experiment or --all, not both")
        from jetstream_argo.cli.overview import status_of_all

        return status_of_all(warehouse, dataset, asked["format_"], asked["output"])
    target = target_of(experiment, plan_file, dataset, warehouse)
    periods = chosen_periods(asked["periods"])
    report = _report(target)
    sources = asked["sources"]
    metrics = chosen_metrics(target, entries_of(target) if sources else (), asked["metrics"], sources)
    report = only(report, metrics, periods, lacking=asked["lacking"])
    from jetstream_argo.report.status_tables import status_json, status_rows, status_tables

    match asked["format_"]:
        case "table":
            _print(lambda _: status_tables(report), asked["output"])
        case "json":
            _write(status_json(report).encode(), asked["output"])
        case _:
            _write(FORMATS[asked["format_"]](status_rows(report)), asked["output"])
    return report.exit_code if exit_code else 0


def _estimates(target: Target, filters: "Filters", report: StatusReport, *, all_metrics: bool) -> Result:
    """Return the estimates that were asked for; those of `all_metrics` tell how many comparisons a window has.

    Raises:
        PlanError: something that was asked for has none.
    """
    from jetstream_argo.report.matching import check_filters
    from jetstream_argo.report.results import Filters, read_estimates

    wanted = replace(filters, metrics=()) if all_metrics else filters
    result = read_estimates(target.engine, target.place, wanted)
    failed = {metric.metric: f"{metric.error}: {metric.message}" for metric in report.lacking if metric.error}

    def everything() -> Result:
        return read_estimates(target.engine, target.place, Filters())

    check_filters(target.place.slug, filters, result, everything, failed=failed)
    return result


def _about(target: Target, entries: Sequence[Entry]) -> "About":
    from jetstream_argo.report.summary.about import about_plan, recorded_about

    return recorded_about(entries) if target.plan is None else about_plan(target.plan)


def _answers(
    result: Result, about: "About", report: StatusReport, filters: "Filters", asked: Mapping[str, Any], width: int
) -> "Iterable[RenderableType]":
    from jetstream_argo.report.summary.show import Shown, answers

    shown = Shown(
        everything=asked["everything"],
        over_time=asked["over_time"],
        metrics=filters.metrics,
        has_period=bool(filters.periods or filters.windows),
        has_segment=bool(filters.segments),
        has_basis=bool(filters.bases),
    )
    return answers(
        result.dicts(),
        about,
        shown,
        reference=asked["reference"],
        facts=report.facts,
        today=_today(),
        width=width,
    )


def _report(target: Target) -> StatusReport:
    if target.plan is None:
        return status_report(None, entries_of(target), today=_today())
    from jetstream_argo.dag.build import build_dag

    entries = read_entries(target.engine, target.place)
    if not entries:
        check_upgraded(target.engine, target.place)
    return status_report(target.plan, entries, build_dag(target.plan), today=_today())


def _today() -> date:
    return datetime.now(UTC).date()


def _warn(report: StatusReport, *, facts: bool) -> None:
    """Tell of what failed as a whole, of estimates that count units which were deleted since, and of the facts."""
    for failure in report.of_nodes:
        warn(of_node(failure))
    older = dict.fromkeys(metric.metric for metric in report.metrics if metric.before_deletion)
    if older and report.deleted_at is not None:
        text = f"the estimates of {', '.join(older)} are older than the last deletion of units, {report.deleted_at}"
        warn(text)
    for sentence in sentences(report.facts) if facts else ():
        warn(sentence)


def _write(content: bytes, output: Path | None) -> None:
    if output is not None:
        write_file(output, content)
    else:
        deliver(content)


def _print(parts: "Callable[[int], Iterable[RenderableType]]", output: Path | None) -> None:
    """Print parts that are made for a terminal of some width."""
    from jetstream_argo.terminal.console import EscapingConsole

    file = None if output is None else io.StringIO()
    # Without a terminal, rich would cut tables at 80 columns.
    console = EscapingConsole(file=file, width=None if file is None and sys.stdout.isatty() else _WIDTH)
    for part in parts(console.width):
        console.print(part)
    if file is not None and output is not None:
        write_file(output, file.getvalue())
