"""Finds telemetry of which this account may be given a part only, which no query reports as an error."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain

from jetstream_argo.argo.doctor.checks import DoctorCheck, NotKnownError
from jetstream_argo.argo.due.candidates import candidates
from jetstream_argo.argo.due.planning import Made, Planning, planned
from jetstream_argo.config.conventions.load import Conventions, load_conventions
from jetstream_argo.config.files.metric_hub import Definitions
from jetstream_argo.config.resolve.context import dataset_of
from jetstream_argo.config.schema import DataSourceSpec, SegmentDataSourceSpec, Spec
from jetstream_argo.config.templates.fill import TemplateError, fill_braces
from jetstream_argo.dialect.from_clause import relation
from jetstream_argo.errors import JetstreamArgoError
from jetstream_argo.plan.planner import ConfigSources
from jetstream_argo.run.guarded import TelemetryRead, names_by_table, telemetry_reads
from jetstream_argo.sql.telemetry import rows_alone
from jetstream_argo.terminal.plural import counted
from jetstream_argo.warehouse.connect import connect, new_attempt

_WAREHOUSE = "warehouse"
_MOST = 5


def telemetry_checks(url: str, planning: Callable[[], Planning]) -> tuple[DoctorCheck, ...]:
    """Return the check of what is analysed: of live experiments, or else of all that definitions know.

    The embedded engine gives everybody all rows and columns: there is nothing to check.
    """
    if not url.startswith("bigquery:"):
        return ()
    return (DoctorCheck("telemetry", lambda: _whole(url, planning()), requires=_WAREHOUSE),)


def _whole(url: str, planning: Planning) -> str:
    from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine  # loads Google's client

    engine = connect(url, attempt=new_attempt(), job_id_prefix="doctor")
    assert isinstance(engine, BigQueryEngine)  # as the address says
    try:
        used = names_by_table(engine, _reads(planning))
    except JetstreamArgoError as error:
        raise NotKnownError(f"which tables are read cannot be told: {error}") from error
    if not used:
        raise NotKnownError("neither live experiments nor data sources are given whose tables are there")
    found = [*chain.from_iterable(engine.guards([table], names) for table, names in used.items())]
    unseen = engine.unseen(list(used))
    if unseen:
        more = f" and {len(unseen) - _MOST} more" if len(unseen) > _MOST else ""
        right = "may not list row access policies (bigquery.rowAccessPolicies.list)"
        found.append(f"this account {right} of {', '.join(unseen[:_MOST])}{more}")
    if found:
        raise NotKnownError(f"numbers may be partial without an error: {'; '.join(dict.fromkeys(found))}")
    tables = counted(len(used), "table")
    return f"{tables} behind what is read: no row access policies, no policy tags on columns that are used"


def _reads(planning: Planning) -> Iterator[TelemetryRead]:
    plans = list(_live(planning))
    yield from chain.from_iterable(telemetry_reads(made.plan) for made in plans)
    if not plans:
        yield from _defined(planning.where)


def _live(planning: Planning) -> Iterator[Made]:
    """Yield the plans of live experiments; what is wrong with others is told by `validate` and the planner."""
    if planning.where.experiments:
        found, _ = candidates(planning.where.experiments)
        yield from (made for made in (planned(candidate, planning) for candidate in found) if isinstance(made, Made))


def _defined(where: ConfigSources) -> Iterator[TelemetryRead]:
    """Yield what reads the rows of all data sources that are defined, with every word of what is computed of them."""
    definitions, conventions = Definitions.load(where.definitions), load_conventions(where.conventions)
    for app in definitions.applications():
        platform = conventions.platforms.get(app)
        dataset = dataset_of(platform.app_id) if platform is not None and platform.app_id else None
        outcomes = (definitions.outcome(name, app) for name in definitions.outcomes(app))
        specs = [definitions.application(app), definitions.defaults(app), *(o.spec for o in outcomes if o is not None)]
        words = _words(specs)
        for spec in specs:
            for kind, rows in ((_METRICS, spec.data_sources), (_SEGMENTS, spec.segment_data_sources)):
                for name, source in rows.items():
                    yield from _read(source, words.get((kind, name), ()), dataset, conventions)


_METRICS, _SEGMENTS = "metrics", "segments"


def _words(specs: Iterable[Spec]) -> Mapping[tuple[str, str], set[str]]:
    """Return the words in the expressions of metrics and segments, templates or not, by their data sources."""
    found: dict[tuple[str, str], set[str]] = {}
    for spec in specs:
        expressions = [(_METRICS, metric.data_source, metric.select_expression) for metric in spec.metrics.values()]
        expressions += [
            (_SEGMENTS, segment.data_source, segment.select_expression) for segment in spec.segments.values()
        ]
        for kind, source, text in expressions:
            found.setdefault((kind, source or ""), set()).update(re.findall(r"\w+", text or ""))
    return found


def _read(
    source: DataSourceSpec | SegmentDataSourceSpec, words: Iterable[str], dataset: str | None, conventions: Conventions
) -> Iterator[TelemetryRead]:
    """Yield what reads the rows of a source; nothing of one whose tables depend on the experiment."""
    columns = conventions.columns
    date_column = source.submission_date_column or columns.submission_date
    try:
        rows = fill_braces(source.from_expression or "", dataset=source.default_dataset or dataset or "")
    except TemplateError:
        return
    own = (
        source.client_id_column or columns.client_id,
        source.group_id_column or columns.profile_group_id,
        date_column,
    )
    named = {part for column in own for part in column.split(".")}
    yield TelemetryRead(rows_alone(relation(rows), date_column), frozenset({*words, *re.findall(r"\w+", rows), *named}))
