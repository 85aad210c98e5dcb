"""The relations that all queries for statistics begin with: counted values, after pre-treatments."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql.needs.steps import keeps_integers, step_relations
from jetstream_argo.sql.text import Sql, fill, lines, literal
from jetstream_argo.stats.pretreatments import Action, PreTreatment

KEYS = ("basis", "window_index", "segment", "branch")


class Second(StrEnum):
    """What the second column of the observations is, if there is one."""

    COVARIATE = "x"
    DENOMINATOR = "d"


class ValueType(StrEnum):
    """What a metric's column holds."""

    INTEGER = "INT64"
    BOOLEAN = "BOOL"
    FLOAT = "FLOAT64"
    NUMERIC = "NUMERIC"
    OTHER = "any"  # of which only units with and without it are counted

    @property
    def integer(self) -> bool:
        """Whether its values are whole numbers by type."""
        return self in (ValueType.INTEGER, ValueType.BOOLEAN)


@dataclass(frozen=True, slots=True)
class Observed:
    """Whose values are asked for: `observations` of these windows and branches, with `y` treated by `steps`.

    `second` and `second_type` describe the other column; a denominator is treated like `y`, a covariate is not.
    """

    observations: Sql
    windows: tuple[AnalysisWindow, ...]
    branches: tuple[str, ...]
    steps: tuple[PreTreatment, ...]
    y_type: ValueType
    second: Second | None = None
    second_type: ValueType = ValueType.FLOAT

    @property
    def integer(self) -> bool:
        """Whether `y` holds whole numbers by type, after its treatment."""
        return self.y_type.integer and keeps_integers(self.steps)


def treats_of(observed: Observed) -> tuple[str, ...]:
    """Return the columns that the steps are applied to."""
    return ("y", "d") if observed.second is Second.DENOMINATOR else ("y",)


def treated(observed: Observed) -> Sql:
    """Return the relations that end in `treated`: (basis, window_index, segment, branch, y [, x | d], …).

    One row per distinct finite value (or pair), and some for units without one, whose y is NULL. `units` counts all
    units of the row, `n_null` those without a value and `n_nonfinite` those with NaN or an infinite one. For a
    covariate these two are about `y` alone.
    """
    names = ("y", *([observed.second.value] if observed.second else ()))
    types = (observed.y_type, observed.second_type)
    columns = [Sql(f"o.{key}") for key in KEYS]
    columns += [Sql("w.days"), *(_float(name, of) for name, of in zip(names, types, strict=False))]
    carried = (*KEYS, "days", *names)
    treats = treats_of(observed)
    steps, last = step_relations(observed.steps, treats=treats, carried=(*carried, "units"), first="counted")
    merges = any(step.action is Action.REPLACE for step in observed.steps)
    return fill(
        "needs/units",
        columns=lines(columns, indent=0),
        observations=observed.observations,
        windows=lines([_window(window) for window in observed.windows], indent=0),
        branches=Sql(", ".join(literal(branch) for branch in observed.branches)),
        keys=lines([Sql(f"u.{name}") for name in carried], indent=0),
        steps=steps,
        last=Sql(last),
        finite=Sql("finite" if merges else "treated"),
        values=lines(_finite(names, treats), indent=0),
        merged=_merged((*KEYS, *names)) if merges else Sql(""),
    )


def _merged(keys: Sequence[str]) -> Sql:
    """The relation in which values that a step made equal are one."""
    sums = (Sql(f"SUM(f.{name}) AS {name}") for name in ("units", "n_null", "n_nonfinite"))
    columns = [*(Sql(f"f.{name}") for name in keys), *sums]
    return fill(
        "needs/merged",
        columns=lines(columns, indent=0),
        keys=lines([Sql(f"f.{name}") for name in keys], indent=0),
    )


def _window(window: AnalysisWindow) -> Sql:
    return Sql(f"STRUCT({window.index} AS window_index, {window.days} AS days)")


def _float(name: str, of: ValueType) -> Sql:
    match of:
        case ValueType.BOOLEAN:
            return Sql(f"CAST(CAST(o.{name} AS INT64) AS FLOAT64) AS {name}")
        case ValueType.FLOAT:
            return Sql(f"IF(o.{name} = 0, 0.0, o.{name}) AS {name}")  # -0.0 is 0
        case ValueType.OTHER:
            return Sql(f"IF(o.{name} IS NULL, NULL, 0.0) AS {name}")
        case ValueType.INTEGER | ValueType.NUMERIC:
            return Sql(f"CAST(o.{name} AS FLOAT64) AS {name}")
        case _:
            assert_never(of)


def _finite(names: Sequence[str], judged: Sequence[str]) -> list[Sql]:
    """The values with NULL for what is not a number, and why there is none, judged by some of them."""
    null = " OR ".join(f"s.{name} IS NULL" for name in judged)
    odd = " OR ".join(f"IS_NAN(s.{name}) OR IS_INF(s.{name})" for name in judged)
    return [
        *(Sql(f"s.{key}") for key in KEYS),
        *(Sql(f"IF(IS_NAN(s.{name}) OR IS_INF(s.{name}), NULL, s.{name}) AS {name}") for name in names),
        Sql("s.units"),
        Sql(f"IF({null}, s.units, 0) AS n_null"),
        Sql(f"IF(({null}) OR NOT ({odd}), 0, s.units) AS n_nonfinite"),
    ]
