"""The columns, with their types, that the code relies on in what its own queries give."""

from collections.abc import Iterator, Sequence

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.type_names import element
from jetstream_argo.dialect.types import Column
from jetstream_argo.estimating.queries.observations import KEYS
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql import names
from jetstream_argo.store import estimates_table

_UNIT = (Column("analysis_id", "STRING"), Column("branch", "STRING"))
_ENROLLED = Column("enrollment_date", "DATE")
_EXPOSED = (Column("exposure_date", "DATE"), Column("num_exposure_events", "INT64"))
_BATCH = Column("batch", "INT64")
_DATE = Column("submission_date", "DATE")
_WINDOW = Column("window_index", "INT64")
_NUMBERS = frozenset({"INT64", "FLOAT64"})
_SCALARS = frozenset({*_NUMBERS, "NUMERIC", "BIGNUMERIC", "BOOL", "STRING", "DATE", "DATETIME", "TIMESTAMP", "TIME"})
_ANSWER = {"basis": "STRING", "window_index": "INT64", "segment": "STRING", "branch": "STRING"}


def unit_tables(plan: AnalysisPlan) -> dict[str, tuple[Column, ...]]:
    """Return the columns of the tables that say who takes part, and of the view of all that is known of units."""
    events = Column("num_enrollment_events", "INT64")
    found = {
        names.assignments(plan): (_BATCH, *_UNIT, _ENROLLED, events, Column("assignment", "INT64")),
        names.exposures(plan): (_BATCH, *_UNIT, *_EXPOSED),
    }
    for segment, column in plan.enrollments.memberships:
        table = names.segments(plan, segment.data_source)
        found[table] = (*found.get(table, (_BATCH, *_UNIT)), Column(column, "BOOL"))
    segments = (Column(segment.name, "BOOL") for segment in plan.enrollments.segments)
    return {**found, names.enrollments(plan): (*_UNIT, _ENROLLED, events, *segments, *_EXPOSED)}


class Expected:
    """What is expected of the tables and views of one plan."""

    def __init__(self, plan: AnalysisPlan) -> None:
        self._sure = unit_tables(plan)
        if plan.signal is not None:
            count = Column(plan.signal.partial.column, "INT64")
            self._sure[names.signals(plan)] = (_BATCH, *_UNIT, _DATE, count)
        text = [Column(c.name, "STRING") if c.name == "window_index" else c for c in estimates_table.COLUMNS]
        for period in Period:
            self._sure[names.statistics_view(plan, period)] = tuple(text)
        self._values = {
            names.values(plan, basis, source.name, period)
            for basis in Basis
            for source in plan.sources
            for period in Period
        }
        for name in self._values:
            self._sure[name] = (_BATCH, *_UNIT, _WINDOW, *_EXPOSED)
        for source in plan.sources:
            self._sure[names.partials(plan, source.name)] = (_BATCH, *_UNIT, _ENROLLED, _DATE)
        for basis in Basis:
            for period in Period:
                columns = (*_UNIT, _ENROLLED, *_EXPOSED, Column("window_index", "STRING"))
                self._sure[names.values_view(plan, basis, period)] = columns

    def wrong_table(self, name: str, columns: Sequence[Column]) -> Iterator[str]:
        """Yield what is not as it should be with the columns of one of the plan's tables or views."""
        given = {column.name: column.type for column in columns}
        sure = self._sure.get(name, ())
        for column in sure:
            if given.get(column.name) != column.type:
                yield f"column {column.name} is {given.get(column.name, 'missing')}, and must be {column.type}"
        if name in self._values:
            for metric in given.keys() - {column.name for column in sure}:
                if given[metric].partition("(")[0] not in _SCALARS:
                    yield f"values are {given[metric]}; a metric has one number for each unit and window"

    def wrong_answer(self, columns: Sequence[Column]) -> Iterator[str]:
        """Yield what estimating could not read of the answer to a query about the values of a metric."""
        given = {column.name: column.type for column in columns}
        if not is_answer(columns):
            return
        for name, type_ in given.items():
            if name in _ANSWER and type_ != _ANSWER[name]:
                yield f"column {name} is {type_}, and must be {_ANSWER[name]}"
            elif name not in _ANSWER and (element(type_) or type_) not in _NUMBERS:
                yield f"column {name} is {type_}, and must be INT64 or FLOAT64, or an array of them"


def is_answer(columns: Sequence[Column]) -> bool:
    """Whether a query is about the values of a metric: its rows are those of a basis, window, segment and branch."""
    return {column.name for column in columns}.issuperset(KEYS)
