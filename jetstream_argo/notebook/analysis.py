"""A whole analysis by one call: tables in, estimates out."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from html import escape

from jetstream_argo.config.building import Configuration
from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.loading.load import Loaded, embedded
from jetstream_argo.notebook.frames import kind_of
from jetstream_argo.notebook.loading import load_into
from jetstream_argo.notebook.preview import Preview, plan
from jetstream_argo.notebook.results import Results, read_results
from jetstream_argo.notebook.running import Failed, run_in_process
from jetstream_argo.notebook.where import PathLike, dataset_or_default, warehouse_or_default
from jetstream_argo.report.former import plan_recorded
from jetstream_argo.report.summary.about import about_plan
from jetstream_argo.sql.names import place_of
from jetstream_argo.terminal.text import say, warn
from jetstream_argo.warehouse.connect import connect, new_attempt
from jetstream_argo.warehouse.frames import Frame


@dataclass(frozen=True, slots=True, repr=False)
class Analysis:
    """What came of an analysis: its plan, what was loaded for it, its estimates, and what failed."""

    preview: Preview
    loaded: tuple[Loaded, ...]
    results: Results
    failed: tuple[Failed, ...]

    def __str__(self) -> str:
        return "".join((*(f"failed: {failure}\n" for failure in self.failed), str(self.results)))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        failed = "".join(f"<p>failed: {escape(str(failure))}</p>" for failure in self.failed)
        return f"{failed}{self.results._repr_html_()}"


def analyse(  # noqa: PLR0913  # a notebook's whole analysis is one call, with options by name
    experiment: PathLike | Configuration,
    *,
    tables: Mapping[str, Frame | PathLike | Sequence[PathLike]] | None = None,
    as_of: date | str | None = None,
    warehouse: str | None = None,
    dataset: str | None = None,
    metrics: Sequence[str] = (),
    definitions: PathLike | Iterable[PathLike] | None = None,
    experiments: str | None = None,
    frames: str = "",
) -> Analysis:
    """Analyse an experiment in this process, and return its estimates; what was computed before is not again.

    Args:
        experiment: as for `plan`.
        tables: frames or files by table, as `{"shop.orders": frame}`; they replace what the embedded warehouse has.
        as_of: the last complete day of telemetry. Default: yesterday, UTC.
        warehouse: where tables and results are. Default: `JETSTREAM_WAREHOUSE`, or the folder `.jetstream`.
        dataset: as for `plan`.
        definitions: as for `plan`.
        experiments: as for `plan`.
        metrics: only these, and what they need.
        frames: the library whose frames the results give, "pandas", "polars" or "arrow". Default: that of the tables.

    Raises:
        ConfigError: configuration or tables cannot be used; nothing that was asked for could be computed.
        PlanError: the experiment cannot be analysed, or there are no results.
    """
    where = warehouse_or_default(warehouse)
    preview = plan(experiment, as_of=as_of, dataset=dataset, definitions=definitions, experiments=experiments)
    if dataset_or_default(dataset) is None:
        preview = replace(preview, plan=plan_recorded(preview.plan, where))
    for warning in preview.warnings:
        warn(warning)
    loaded = _loaded(where, tables or {})
    _check(preview, where, metrics)
    failed = run_in_process(preview.plan, where, metrics, watch=_watch)
    for failure in failed:
        warn(str(failure))
    engine = connect(where, attempt=new_attempt())
    given = (kind_of(frame) for frame in (tables or {}).values() if not _is_named(frame))
    kind = frames or next(given, "")
    about = about_plan(preview.plan)
    found = read_results(engine, place_of(preview.plan), metrics=tuple(metrics), kind=kind, about=about)
    return Analysis(preview, loaded, found, failed)


def _loaded(warehouse: str, tables: Mapping[str, Frame | PathLike | Sequence[PathLike]]) -> tuple[Loaded, ...]:
    """Load the tables, and say of each what was inferred."""
    if not tables:
        return ()
    engine = embedded(warehouse)
    found = tuple(load_into(engine, table, what, types={}) for table, what in tables.items())
    for loaded in found:
        for line in loaded.lines():
            say(line, err=True)
    return found


def _check(preview: Preview, warehouse: str, metrics: Sequence[str]) -> None:
    """Warn of what is wrong by the tables, before anything is computed.

    Raises:
        ConfigError: nothing could be computed; holds everything that is wrong.
    """
    from jetstream_argo.validate.found import concerning, found_by, leaves_nothing

    engine = connect(warehouse, attempt=new_attempt())
    wanted = tuple(metrics) or tuple(metric.name for metric in preview.plan.metrics)
    found = concerning(found_by(preview.plan, engine, files=preview.files), wanted)
    if leaves_nothing(preview.plan, engine, found, wanted):
        raise ConfigError(found[0].file or "experiment", [Problem(mistake.where, mistake.what) for mistake in found])
    for mistake in found:
        warn(str(mistake))


def _is_named(what: object) -> bool:
    return not hasattr(what, "__arrow_c_stream__")


def _watch(line: str) -> None:
    """Show how far it is, on a line that the next one replaces, where somebody looks."""
    if sys.stderr.isatty():
        say(f"\r{line[:100]:<100}", err=True, end="")
