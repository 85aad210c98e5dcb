"""A small experiment with results: a plan, and the rows that its nodes would have left in a warehouse."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zlib import crc32

from jetstream_argo.config.model import AnalysisUnit, Basis, Outcome, Segment
from jetstream_argo.config.periods import Period
from jetstream_argo.config.statistics import Statistic
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.plan.model import SCHEMA_VERSION, AnalysisPlan, Experiment, Metric, MetricStatistics, PeriodWindows
from jetstream_argo.plan.population import Enrollments, Signal
from jetstream_argo.plan.sources import Composed, Partial, PlannedRead, Source
from jetstream_argo.plan.sources import Merge as PartialMerge
from jetstream_argo.plan.windows import AnalysisWindow, Timeline
from jetstream_argo.sql import names
from jetstream_argo.stats.methods.count import Count
from jetstream_argo.store import entries, estimates_table
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Layout, Write

WEEKS = (AnalysisWindow(1, 0, 6), AnalysisWindow(2, 7, 13))
LABELS = {"experiment": "new-tab"}


def metric(name: str, source: str = "clients", **facts: object) -> Metric:
    """Return a metric, the sum of a column of its name."""
    made: dict[str, object] = {
        "name": name,
        "source": source,
        "select_expression": f"SUM(ds.{name})",
        "computation": Composed((f"p_{name}",), f"e.p_{name}"),
        "column": f"m_{name}",
        "depends_on": (),
        "bases": (Basis.ENROLLMENTS,),
        "periods": (Period.WEEK,),
        "friendly_name": name.title(),
        "description": f"About {name}.",
        "bigger_is_better": True,
    }
    return Metric(**{**made, **facts})  # type: ignore[arg-type]  # the fields of Metric


HOURS = metric("hours")
ADS = metric("ads", "events")
RATE = metric("rate", "", select_expression="", computation=None, column="", depends_on=("hours", "ads"))


def running(slug: str, timeline: Timeline) -> Experiment:
    """Return an experiment of two branches that is not over."""
    return Experiment(
        slug=slug,
        app_name="firefox_desktop",
        analysis_unit=AnalysisUnit.CLIENT,
        branches=("control", "treatment"),
        reference_branch="control",
        timeline=timeline,
        is_complete=False,
        is_private=False,
        sample_size=None,
        outcomes=(),
        url=None,
    )


def plan(
    metrics: Sequence[Metric] = (HOURS, ADS, RATE),
    *,
    slug: str = "new-tab",
    segments: Sequence[Segment] = (Segment("loyal", "s", "TRUE"),),
    windows: Sequence[AnalysisWindow] = WEEKS,
    signal: object = None,
) -> AnalysisPlan:
    """Return a plan in which every metric has a mean each week."""
    sources = dict.fromkeys(metric.source for metric in metrics if metric.source)
    return AnalysisPlan(
        schema_version=SCHEMA_VERSION,
        experiment=replace(
            running(slug, Timeline(date(2026, 5, 4), 7, date(2026, 6, 8))),
            outcomes=(Outcome("clicks", "Clicks", "About clicks.", ("ads",), ("hours",)),),
            url="https://example.org/new-tab.toml",
        ),
        as_of=date(2026, 5, 24),
        dataset="analysis",
        enrollments=Enrollments(
            "e_1", "normandy", "SELECT 1", None, tuple(segments), (), segment_columns=tuple("" for _ in segments)
        ),
        signal=signal,  # type: ignore[arg-type]  # a Signal
        bases=(Basis.ENROLLMENTS,),
        periods=(PeriodWindows(Period.WEEK, tuple(windows)),),
        sources=tuple(
            Source(
                name=name,
                from_expression=f"telemetry.{name}",
                id_column="client_id",
                date_column="submission_date",
                branch_expression=None,
                partials=tuple(
                    Partial(f"p_{metric.name}", metric.select_expression, PartialMerge.SUM)
                    for metric in metrics
                    if metric.source == name
                ),
                reads=(PlannedRead(date(2026, 5, 4), date(2026, 5, 24), ("p",), before_enrollment=False),),
            )
            for name in sources
        ),
        metrics=tuple(metrics),
        statistics=tuple(
            MetricStatistics(Period.WEEK, metric.name, f"s_{metric.name}", (Statistic("count", "{}", Count()),))
            for metric in metrics
        ),
    )


def numbered(batch: str | int) -> int:
    """Return the number of a batch that a test calls by a name."""
    return batch if isinstance(batch, int) else crc32(batch.encode()) if not batch[1:].isdigit() else int(batch[1:])


def at(hour: int, minute: int = 0) -> datetime:
    """Return a moment of the day on which everything was recorded."""
    return datetime(2026, 5, 25, hour, minute, tzinfo=UTC)


def entry(kind: Kind, state: State = State.COMPUTED, hour: int = 1, **facts: object) -> Entry:
    """Return an entry."""
    made: dict[str, object] = {"recorded_at": at(hour), "node": "n", "plan": "f" * 64, "attempt": f"a{hour}"}
    return Entry(kind=kind, state=state, **{**made, **facts})  # type: ignore[arg-type]  # the fields of Entry


def statistics_entry(
    name: str, batch: str, hour: int, windows: tuple[int, int] = (1, 1), state: State = State.COMPUTED, **facts: object
) -> Entry:
    """Return the entry of a batch of estimates."""
    made: dict[str, object] = {
        "batch": numbered(batch),
        "node": f"stats-week-{name}",
        "table": names.statistics(names.Place("analysis", "new-tab")),
        "keys": (f"s_{name}",),
        "metrics": (name,),
        "period": "week",
        "first_window": windows[0],
        "last_window": windows[1],
    }
    return entry(Kind.STATISTICS, state, hour, **{**made, **facts})


def values_entry(metric: Metric, batch: str, hour: int, windows: tuple[int, int] = (1, 1), **facts: object) -> Entry:
    """Return the entry of a batch of one metric's values."""
    made: dict[str, object] = {
        "batch": numbered(batch),
        "table": names.values(names.Place("analysis", "new-tab"), Basis.ENROLLMENTS, metric.source, Period.WEEK),
        "keys": (metric.column,),
        "metrics": (metric.name,),
        "source": metric.source,
        "basis": "enrollments",
        "period": "week",
        "first_window": windows[0],
        "last_window": windows[1],
    }
    return entry(Kind.VALUES, hour=hour, **{**made, **facts})


def enrollments_entry(key: str = "e_1", hour: int = 0) -> Entry:
    """Return the entry about the enrolled units."""
    table = names.enrollments(names.Place("analysis", "new-tab"))
    return entry(Kind.ENROLLMENTS, hour=hour, node="enrollments", table=table, keys=(key, "", ""), units=2)


def estimate(name: str, batch: str, point: float | None, **facts: Value) -> dict[str, Value]:
    """Return a row of the estimates table: by default the mean of one branch in week 1."""
    made: dict[str, Value] = {
        "metric": name,
        "statistic": "mean",
        "branch": "control",
        "ci_width": 0.95,
        "point": point,
        "lower": None if point is None else point - 1,
        "upper": None if point is None else point + 1,
        "segment": "all",
        "analysis_basis": "enrollments",
        "window_index": 1,
        "window_start": 0,
        "window_end": 6,
        "n_units": 10,
        "period": "week",
        "batch": numbered(batch),
        "position": 0,
        "computed_at": at(1),
        "plan": "f" * 64,
    }
    return {**made, **facts}


def record(engine: Engine, recorded: Sequence[Entry], slug: str = "new-tab") -> None:
    """Write entries to the status table."""
    target = names.status(names.Place("analysis", slug))
    layout = Layout(description=f"What was computed for {slug}")
    rows = [entry.row() for entry in recorded]
    engine.load(target, rows, entries.COLUMNS, write=Write.APPEND, labels=LABELS, layout=layout)


def keep(engine: Engine, rows: Sequence[Mapping[str, Value]], slug: str = "new-tab") -> None:
    """Write rows to the estimates table."""
    target = names.statistics(names.Place("analysis", slug))
    engine.load(target, rows, estimates_table.COLUMNS, write=Write.APPEND, labels=LABELS)


def enroll(engine: Engine, segments: Sequence[str] = ("loyal",)) -> None:
    """Enroll unit `a` in control, and `b` in treatment, which is exposed and loyal."""
    columns = [
        Column("analysis_id", "STRING"),
        Column("branch", "STRING"),
        Column("enrollment_date", "DATE"),
        Column("num_enrollment_events", "INT64"),
        *(Column(name, "BOOL") for name in segments),
        Column("exposure_date", "DATE"),
        Column("num_exposure_events", "INT64"),
    ]
    day, later = date(2026, 5, 5), date(2026, 5, 6)
    first = ["a", "control", day, 1, *(False for _ in segments), None, None]
    second = ["b", "treatment", day, 2, *(True for _ in segments), later, 3]
    rows = [dict(zip([column.name for column in columns], row, strict=True)) for row in (first, second)]
    target = names.enrollments(names.Place("analysis", "new-tab"))
    engine.load(target, rows, columns, write=Write.TRUNCATE, labels=LABELS)


def store_values(
    engine: Engine,
    source: str,
    columns: Sequence[str],
    rows: Sequence[tuple[Value, ...]],
    *,
    basis: Basis = Basis.ENROLLMENTS,
) -> None:
    """Write values: each row is (batch, analysis_id, branch, window_index, exposure_date, *columns)."""
    keys = [
        Column("batch", "INT64"),
        Column("analysis_id", "STRING"),
        Column("branch", "STRING"),
        Column("window_index", "INT64"),
        Column("exposure_date", "DATE"),
    ]
    table_columns = [*keys, *(Column(name, "FLOAT64") for name in columns), Column("num_exposure_events", "INT64")]
    numbers = [(numbered(str(row[0])), *row[1:]) for row in rows]
    named = [dict(zip([column.name for column in table_columns], row, strict=False)) for row in numbers]
    target = names.values(names.Place("analysis", "new-tab"), basis, source, Period.WEEK)
    engine.load(target, named, table_columns, write=Write.APPEND, labels=LABELS)


TENTH = Decimal("0.1")
SIGNAL = Signal("s", "t", "id", "d", Partial("p_s", "COUNT(*)", PartialMerge.SUM), date.min, date.max, ())
