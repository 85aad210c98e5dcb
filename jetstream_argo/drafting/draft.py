"""The text of a first configuration: a file with comments that say what was looked up and what may be changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from jetstream_argo.config.files.toml_writer import value
from jetstream_argo.drafting.facts import BranchAssignments
from jetstream_argo.sql.text import identifier, literal

_WEEK = 7
_MOST_METRICS = 12


@dataclass(frozen=True, slots=True)
class Measured:
    """A table of rows to measure by: which columns name unit and date, and which are worth a metric.

    `day` is None where rows have no date: then all count for the start date.
    """

    source: str
    table: str
    unit: str
    day: str | None
    numbers: tuple[str, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConfigDraft:
    """Everything that the file says."""

    slug: str
    branches: tuple[BranchAssignments, ...]
    reference: str
    start: date
    enrollment_days: int
    end: date
    assigned_in: str
    unit: str
    branch: str
    assigned_on: str | None
    experiment: tuple[str, str] | None
    measured: tuple[Measured, ...]
    has_week_before: bool


def draft_text(draft: ConfigDraft) -> str:
    """Return the file's text."""
    return "\n".join(_lines(draft)).rstrip("\n") + "\n"


def metric_names(draft: ConfigDraft) -> tuple[str, ...]:
    """Return the metrics that are drafted."""
    return tuple(name for measured in draft.measured for name, _, _ in _metrics(measured))[:_MOST_METRICS]


def _lines(draft: ConfigDraft) -> Iterator[str]:
    yield "# Drafted by `jetstream-argo init` from the tables that there are; everything in it may be changed."
    yield "# Look before you run: jetstream-argo plan FILE --warehouse …"
    yield ""
    yield from _experiment(draft)
    for measured in draft.measured:
        yield from _source(draft, measured)
    names = metric_names(draft)
    before = [name for name in names if draft.has_week_before and _is_number(draft, name)]
    yield "[metrics]"
    yield "# In which periods each metric is computed; there are also daily, 28_day, cumulative_weekly and"
    yield "# preenrollment_days28."
    if before:
        yield f"preenrollment_weekly = {value(before)}"
    if (draft.end - draft.start).days >= draft.enrollment_days + _WEEK:
        yield f"weekly = {value(list(names))}"
    yield f"overall = {value(list(names))}"
    for measured in draft.measured:
        for name, expression, statistic in _metrics(measured):
            if name in names:
                yield from _metric(name, measured.source, expression, statistic, adjusted=name in before)


def _experiment(draft: ConfigDraft) -> Iterator[str]:
    yield "[experiment]"
    yield f"slug = {value(draft.slug)}"
    counts = ", ".join(f"{branch.name} {branch.units:,}" for branch in draft.branches)
    yield f"branches = {value([branch.name for branch in draft.branches])}    # units: {counts}"
    yield f"reference_branch = {value(draft.reference)}    # the one that others are compared with"
    yield f"start_date = {value(draft.start)}"
    yield f"enrollment_period = {draft.enrollment_days}    # units enroll until so many days later"
    yield f"end_date = {value(draft.end)}    # no rows from here on; leave out while the experiment runs"
    yield "# One row per unit: who it is, in which branch, since when."
    day = f"DATE {value(draft.start.isoformat())}".replace('"', "'")
    if draft.assigned_on is not None:
        day = f"MIN(DATE({identifier(draft.assigned_on)}))"
    where = ""
    if draft.experiment is not None:
        where = f"WHERE {identifier(draft.experiment[0])} = {literal(draft.experiment[1])}\n"
    yield "enrollment_query = '''"
    yield f"SELECT {identifier(draft.unit)} AS analysis_id, CAST({identifier(draft.branch)} AS STRING) AS branch,"
    yield f"  {day} AS enrollment_date"
    yield f"FROM `{draft.assigned_in}`"
    if where:
        yield where.rstrip("\n")
    yield "GROUP BY 1, 2"
    yield "'''"
    yield ""


def _source(draft: ConfigDraft, measured: Measured) -> Iterator[str]:
    yield f"[data_sources.{measured.source}]"
    if measured.day is None:
        yield "# Its rows have no date: all of them count for the start date."
        yield f"from_expression = \"(SELECT *, DATE '{draft.start}' AS day FROM `{measured.table}`)\""
    else:
        yield f"from_expression = {value(measured.table)}"
    yield f"client_id_column = {value(measured.unit)}"
    yield f"submission_date_column = {value(measured.day or 'day')}"
    yield 'experiments_column_type = "none"    # rows do not say which experiments the unit is in'
    yield ""


def _metric(name: str, source: str, expression: str, statistic: str, *, adjusted: bool) -> Iterator[str]:
    yield ""
    yield f"[metrics.{name}]"
    yield f"data_source = {value(source)}"
    yield f"select_expression = {value(expression)}"
    yield f"[metrics.{name}.statistics.{statistic}]"
    if adjusted:
        yield 'covariate_adjustment = { period = "preenrollment_week" }    # narrower intervals, by the week before'


def _metrics(measured: Measured) -> Iterator[tuple[str, str, str]]:
    """Yield name, expression and statistic; a unit without rows has a zero, not nothing."""
    yield f"{measured.source}_count", f"COUNT({identifier(measured.day or 'day')})", "linear_model_mean"
    for number in measured.numbers:
        yield f"{measured.source}_{number}", f"COALESCE(SUM({identifier(number)}), 0)", "linear_model_mean"
    for flag in measured.flags:
        yield f"{measured.source}_{flag}", f"COALESCE(LOGICAL_OR({identifier(flag)}), FALSE)", "binomial"


def _is_number(draft: ConfigDraft, name: str) -> bool:
    statistics = {metric: statistic for table in draft.measured for metric, _, statistic in _metrics(table)}
    return statistics[name] != "binomial"


def week_before(start: date, first: date | None) -> bool:
    """Return whether there are rows of the whole week before the start."""
    return first is not None and first <= start - timedelta(days=_WEEK)
