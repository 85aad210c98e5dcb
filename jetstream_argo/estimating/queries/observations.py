"""The relation that all queries for statistics begin with: a leaf's values, after pre-treatments."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jetstream_argo.estimating.queries.leaf import ValueType, weight
from jetstream_argo.estimating.queries.pretreatments import keeps_integers, needs_days, step_relations
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql.text import Sql, fill, lines, literal, literals
from jetstream_argo.stats.pretreatments import Action, PreTreatment

# What the rows of every answer are told apart by; a row is about all segments, in columns `…__0`, `…__1`, …
KEYS = ("basis", "window_index", "branch")


class Second(StrEnum):
    """What the second column of the observations is, if there is one."""

    COVARIATE = "x"
    DENOMINATOR = "d"


@dataclass(frozen=True, slots=True)
class Observed:
    """Whose values are asked for: those of a leaf in these windows, with `y` treated by `steps`.

    `leaf` is the relation that `estimating.queries.leaf` describes, `segments` are the places of the segments that are
    asked about, and `names` what they are called. `second` is the other column, which the leaf has under the name
    `second_column`; a denominator is treated like `y`, a covariate is not. `whole` says that the leaf has no other
    windows: the text of a query is then the same for every metric and period, and is translated once. `finer` is how
    often more than once the values are cut into buckets before they are put in order (`queries.ranks`).
    """

    leaf: Sql
    windows: tuple[AnalysisWindow, ...]
    segments: tuple[int, ...]
    names: tuple[str, ...]
    steps: tuple[PreTreatment, ...]
    y_type: ValueType
    second: Second | None = None
    second_column: str = ""
    whole: bool = False
    finer: int = 0

    @property
    def integer(self) -> bool:
        """Whether `y` holds whole numbers by type, after its treatment."""
        return self.y_type.integer and keeps_integers(self.steps)

    @property
    def treats(self) -> tuple[str, ...]:
        """The columns that the steps are applied to."""
        return ("y", "d") if self.second is Second.DENOMINATOR else ("y",)

    def weights(self, relation: str) -> list[Sql]:
        """Return the columns of a relation that count units by segment."""
        return [Sql(f"{relation}.{weight(i)}") for i in self.segments]


def treated(observed: Observed) -> Sql:
    """Return the relations that end in `treated`: (basis, window_index, branch, y [, x | d], n_null, n_nonfinite, n_…).

    `n_null` and `n_nonfinite` are 1 where the row's units have no value, or NaN or an infinite one, whose y is NULL
    too; for a covariate they are about `y` alone.
    """
    names = ("y", *([observed.second.value] if observed.second else ()))
    columns = [Sql(f"o.{key}") for key in KEYS]
    columns += [_days(observed.windows)] if needs_days(observed.steps) else []
    columns += [Sql("o.y")]
    columns += [Sql(f"o.{observed.second_column} AS {observed.second.value}")] if observed.second else []
    carried = (*KEYS, *(("days",) if needs_days(observed.steps) else ()), *names)
    steps, last = step_relations(
        observed.steps,
        treats=observed.treats,
        carried=carried,
        segments=observed.segments,
        first="units",
        finer=observed.finer,
    )
    return fill(
        "estimating/units",
        columns=lines([*columns, *observed.weights("o")], indent=0),
        leaf=observed.leaf,
        windows=Sql("") if observed.whole else _only(observed.windows),
        steps=steps,
        last=Sql(last),
        values=lines([*_finite(names, observed.treats), *observed.weights("s")], indent=0),
    )


def long_rows(observed: Observed) -> Sql:
    """Return the relations that end in `long`: (basis, window_index, segment, branch, y, units), of finite values.

    One row per distinct value of a branch, and `segment` by its name.
    """
    named = zip(observed.segments, observed.names, strict=True)
    units = lines([Sql(f"WHEN {literal(name)} THEN t.{weight(i)}") for i, name in named], separator="")
    return fill(
        "estimating/long",
        units=treated(observed),
        segments=literals(observed.names),
        weight=Sql(f"CASE segment\n  {units}\nEND"),
    )


def wide(columns: Sequence[tuple[str, str]], segment: int) -> Iterator[Sql]:
    """Yield (expression, name) as columns of an answer about a segment."""
    yield from (Sql(f"{expression} AS {name}__{segment}") for expression, name in columns)


def compares_segments(observed: Observed, segment: int) -> bool:
    """Return whether a segment is held against all other units: not where their ranks decide who stays."""
    by_rank = any(step.action is Action.DROP_BY_QUANTILE for step in observed.steps)
    return segment != 0 and 0 in observed.segments and not by_rank


def counted(segment: int) -> Iterator[tuple[str, str]]:
    """Yield the columns that say how many units `treated` rows `s` have, and how many of them have no finite value."""
    n = f"s.{weight(segment)}"
    yield f"SUM({n})", "n_rows"
    yield f"SUM({n} * s.n_null)", "n_null"
    yield f"SUM({n} * s.n_nonfinite)", "n_nonfinite"


def _only(windows: Sequence[AnalysisWindow]) -> Sql:
    return Sql(f"WHERE o.window_index IN ({literals(window.index for window in windows)})")


def _days(windows: Sequence[AnalysisWindow]) -> Sql:
    lengths = " ".join(f"WHEN {window.index} THEN {window.days}" for window in windows)
    return Sql(f"CASE o.window_index {lengths} END AS days")


def _finite(names: Sequence[str], judged: Sequence[str]) -> Iterator[Sql]:
    """The values with NULL for what is not a number, and why there is none, judged by some of them."""
    null = " OR ".join(f"s.{name} IS NULL" for name in judged)
    odd = " OR ".join(f"IS_NAN(s.{name}) OR IS_INF(s.{name})" for name in judged)
    yield from (Sql(f"s.{key}") for key in KEYS)
    yield from (Sql(f"IF(IS_NAN(s.{name}) OR IS_INF(s.{name}), NULL, s.{name}) AS {name}") for name in names)
    yield Sql(f"IF({null}, 1, 0) AS n_null")
    yield Sql(f"IF(({null}) OR NOT ({odd}), 0, 1) AS n_nonfinite")
