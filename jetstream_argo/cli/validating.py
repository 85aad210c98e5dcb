"""Looking for what is wrong with an experiment, and for what it would cost, before anything is run."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jetstream_argo.cli.options import metrics_option, source_option
from jetstream_argo.cli.planning import planned_from, planning_options
from jetstream_argo.cli.selecting import selection_of
from jetstream_argo.dag.selection import selected_metrics, with_needed
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE, Unsupported
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.terminal.plural import counted
from jetstream_argo.terminal.text import say
from jetstream_argo.validate.found import concerning, found_by

if TYPE_CHECKING:
    from rich.console import RenderableType

    from jetstream_argo.validate.analysts import Analyst, Tables
    from jetstream_argo.validate.experiment import Findings
    from jetstream_argo.validate.mistakes import Mistake
    from jetstream_argo.warehouse.protocol import Engine

# On demand, in US multi-regions: https://cloud.google.com/bigquery/pricing
_DOLLARS_PER_TIB = 6.25


@click.command(epilog="Example: jetstream-argo validate checkout.toml --as-of 2026-06-15")
@planning_options
@metrics_option
@source_option
@click.option("--warehouse", help="Ask it about its tables and about bytes: bigquery:PROJECT or embedded:FOLDER.")
@click.option(
    "--schema", "schema_file", type=click.Path(path_type=Path, dir_okay=False), help="JSON: {table: {column: type}}."
)
@click.option("--max-bytes", type=click.IntRange(0), help="Exit with 2 when all of it would read more of telemetry.")
def validate(warehouse: str | None, schema_file: Path | None, max_bytes: int | None, **planning: Any) -> int:
    """Check every SQL statement of EXPERIMENT without running one, and say of each metric what is wrong.

    Without --warehouse, ZetaSQL analyses them on this machine (extra `zetasql`). With BigQuery as the warehouse, its
    dry runs do, which also say what would be read.
    """
    from jetstream_argo.terminal.console import EscapingConsole
    from jetstream_argo.validate.experiment import findings_of

    if max_bytes is not None and warehouse is None:
        raise click.UsageError("--max-bytes needs --warehouse: only a warehouse knows how large its tables are")
    selection = selection_of(planning.pop("metrics"), (), planning.pop("sources"))
    conventions: tuple[Path, ...] = planning["conventions"]
    plan, files = planned_from(**planning)
    metrics = with_needed(plan, selected_metrics(plan, selection))
    findings, located, assumed = _found(plan, warehouse, schema_file, files)
    if metrics:
        findings, located = findings_of(findings, metrics), concerning(located, metrics)
    console = EscapingConsole()
    shown = _shown(plan, findings, assumed, sized=warehouse is not None)
    for part in (*shown, *_costly(plan, metrics, warehouse), *_located(located)):
        console.print(part)
    _check_own_dates(plan, metrics, warehouse, conventions)
    if max_bytes is not None:
        from jetstream_argo.validate.experiment import check_budget

        check_budget(findings, max_bytes)
    return EXIT_DONE if findings.is_right and not located else EXIT_DEFINITION


def _found(
    plan: AnalysisPlan, warehouse: str | None, schema_file: Path | None, files: Mapping[str, str]
) -> "tuple[Findings, tuple[Mistake, ...], tuple[str, ...]]":
    """Return what was found, where in the files, and the tables whose columns were taken from the SQL itself."""
    from jetstream_argo.validate.analysts import BothAnalysts, WarehouseAnalyst
    from jetstream_argo.validate.experiment import validate as look
    from jetstream_argo.validate.mistakes import sure_mistakes
    from jetstream_argo.validate.signatures import Memory, SparingAnalyst
    from jetstream_argo.validate.telemetry import read_schema, telemetry_columns
    from jetstream_argo.warehouse.connect import connect, new_attempt

    engine = None if warehouse is None else connect(warehouse, attempt=new_attempt())
    given = {} if schema_file is None else read_schema(schema_file)
    if engine is not None and warehouse is not None and warehouse.startswith("bigquery:"):
        telemetry: Tables = telemetry_columns(plan, given)
        analyst: Analyst = WarehouseAnalyst(engine)
        assumed: tuple[str, ...] = ()
    else:
        known = {**_known(engine, plan), **given}
        telemetry = telemetry_columns(plan, known)
        assumed = tuple(name for name in telemetry if name not in known)
        analyst = _local(telemetry)
        if engine is not None:
            analyst = BothAnalysts(analyst, WarehouseAnalyst(engine))
    sparing = SparingAnalyst(analyst, telemetry, memory=Memory(), slug=plan.experiment.slug, sized=engine is not None)
    with _waiting():
        findings = look(plan, sparing, assumed=assumed)
        if engine is not None:
            return findings, found_by(plan, engine, files=files), assumed
        located = sure_mistakes(plan, lambda sql: analyst.analyse(sql, {}), telemetry, files=files, assumed=assumed)
        return findings, located, assumed


def _costly(plan: AnalysisPlan, metrics: Collection[str], warehouse: str | None) -> "Iterator[RenderableType]":
    """Yield which sources read dates of their own, and how much that is; and what may be read in part only."""
    from rich.text import Text

    from jetstream_argo.plan.own_dates import costly_sources
    from jetstream_argo.run.guarded import guarded
    from jetstream_argo.run.own_dates import own_dates_sizes
    from jetstream_argo.warehouse.connect import connect, new_attempt

    engine = None if warehouse is None else connect(warehouse, attempt=new_attempt())
    sizes = None if engine is None else own_dates_sizes(plan, engine, metrics)
    yield from (Text(sentence, style="yellow") for sentence in costly_sources(plan, metrics, sizes=sizes))
    if engine is not None and warehouse is not None and warehouse.startswith("bigquery:"):
        yield from (Text(f"may be partial: {sentence}", style="yellow") for sentence in guarded(plan, engine, metrics))


def _check_own_dates(
    plan: AnalysisPlan, metrics: Collection[str], warehouse: str | None, conventions: Sequence[Path]
) -> None:
    """Raise if a source reads more of dates of its own than the conventions allow."""
    from jetstream_argo.config.conventions.load import load_conventions
    from jetstream_argo.run.own_dates import check_own_dates
    from jetstream_argo.warehouse.connect import connect, new_attempt

    most = load_conventions(conventions).own_dates.most_bytes
    if most is not None and warehouse is not None:
        check_own_dates(plan, connect(warehouse, attempt=new_attempt()), most, metrics)


def _located(found: "tuple[Mistake, ...]") -> "Iterator[RenderableType]":
    """Yield where in the files mistakes stand."""
    from rich.text import Text

    if found:
        yield Text("In the files:", style="bold")
    yield from (Text(f"  {mistake}", style="red") for mistake in found)


def _known(engine: "Engine | None", plan: AnalysisPlan) -> "Tables":
    from jetstream_argo.validate.telemetry import known_to

    return {} if engine is None else known_to(engine, plan)


def _local(telemetry: "Tables") -> "Analyst":
    """Return ZetaSQL in this process.

    Raises:
        Unsupported: it is not installed.
    """
    if find_spec("zetasql") is None or find_spec("wasmtime") is None:
        raise Unsupported(
            "ZetaSQL is not installed: pip install 'jetstream-argo[zetasql]', or let BigQuery check the statements, "
            "with --warehouse bigquery:PROJECT"
        )
    from jetstream_argo.dialect.zetasql.checker import start
    from jetstream_argo.dialect.zetasql.loader import default_cache
    from jetstream_argo.validate.analysts import LocalAnalyst

    if not any(default_cache().glob("*.cwasm")):
        say("ZetaSQL is compiled once for this machine; that takes about half a minute ...", err=True)
    return LocalAnalyst(telemetry, start())


@contextmanager
def _waiting() -> Iterator[None]:
    from jetstream_argo.terminal.console import EscapingConsole

    console = EscapingConsole(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status("analysing every statement"):
        yield


def _shown(
    plan: AnalysisPlan, findings: "Findings", assumed: tuple[str, ...], *, sized: bool
) -> "Iterator[RenderableType]":
    """Yield the table of metrics, what is wrong, and the totals."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table("metric", "source", "computed", "values", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("statements", justify="right")
    table.add_column("verdict")
    for check in findings.verdicts:
        verdict = Text("wrong", "red") if check.problems else Text("unknown" if check.uncertain else "right", "green")
        if check.uncertain and not check.problems:
            verdict.stylize("yellow")
        types = ", ".join(check.types)
        table.add_row(Text(check.metric), Text(check.source), Text(check.how), types, str(check.statements), verdict)
    yield table
    for node, problem in findings.others:
        yield Text(f"{node}: {problem}\n", style="red")
    for check in findings.verdicts:
        for problem in check.problems:
            yield Text.assemble((f"{check.metric}: ", "bold red"), f"{problem}\n")
    yield from _uncertain(findings)
    yield Text(_summary(findings, as_of=str(plan.as_of)), style="bold")
    if sized:
        yield Text(_cost(findings))
    if assumed:
        yield Text(
            f"The columns of {len(assumed)} tables were taken from the SQL itself, where misspelt ones are not seen: "
            f"{', '.join(assumed)}. Say what they have, with --schema or --warehouse.",
            style="dim",
        )


def _uncertain(findings: "Findings") -> "Iterator[RenderableType]":
    """Yield what may be wrong, and of which tables more must be known to say so."""
    from rich.text import Text

    for node, problem in findings.uncertain:
        yield Text(f"{node} could not be checked: {problem}\n", style="yellow")
    for check in findings.verdicts:
        for problem in check.uncertain:
            yield Text.assemble((f"{check.metric} could not be checked: ", "bold yellow"), f"{problem}\n")
    if findings.unknown:
        yield Text(
            f"Whether that is so depends on the types of the columns of {', '.join(findings.unknown)}, which were only "
            "guessed. Say what they are, with --schema or --warehouse.\n",
            style="yellow",
        )


def _summary(findings: "Findings", *, as_of: str) -> str:
    count = f"{findings.slug}: {counted(len(findings.statements), 'statement')} for what is due by {as_of}"
    if findings.is_right and findings.unknown:
        unchecked = counted(len(findings.unchecked), "metric")
        return f"{count}; nothing is known to be wrong, and {unchecked} could not be checked"
    if findings.is_right:
        return f"{count}, all of them right"
    parts = [f"{len(findings.wrong)} of {len(findings.verdicts)} metrics are wrong"] if findings.wrong else []
    parts += [f"{len(findings.others)} other problems"] if findings.others else []
    return f"{count}; {', '.join(parts)}"


def _cost(findings: "Findings") -> str:
    from jetstream_argo.report.summary.formatting import bytes_text

    dollars = findings.bytes / 2**40 * _DOLLARS_PER_TIB
    return (
        f"They read {bytes_text(findings.bytes)} of telemetry: about ${dollars:,.2f} at ${_DOLLARS_PER_TIB} a TiB. "
        "What is read of result tables comes on top, and is little."
    )
