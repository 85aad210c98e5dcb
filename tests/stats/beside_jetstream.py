"""How far the product's estimates are from those of Jetstream and mozanalysis, which `references.json` holds."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from jetstream_argo.config.statistics import Covariate
from jetstream_argo.stats.estimate import estimate
from jetstream_argo.stats.needs import Adjustment
from jetstream_argo.stats.registry import parse_method
from jetstream_argo.stats.rows import Comparison, EstimateRow
from tests.reference.samples import Columns, sample_from_columns
from tests.stats import reference_data as data
from tests.stats.reference_cases import GRIDS, PERIOD, RANDOM, Case
from tests.worlds import estimating as warehouse

FILE = Path(__file__).with_name("references.json")
Z = 1.959963984540054
NAMES = ("point", "lower", "upper")
# Upstream's gradient of a linear model's relative uplift is a finite difference: its bounds carry such a share of
# their distance as noise.
GRADIENT = 1e-5
EXACT = 1e-9
UNSEEN = 1e-5  # a probability that 24 times 10,000 draws may miss
ERRORS = 6.0  # standard errors of upstream's mean over seeds
# Upstream interpolates its samples between order statistics, ours are order statistics: how far these are apart.
GRANULAR = {"deciles counts": 0.03, "deciles continuous": 0.25, "deciles continuous_with_gaps": 0.25}

NOTHING = 1e-4  # of a density

Key = tuple[str | None, ...]


class Unit(StrEnum):
    """In what the distance of two numbers is told."""

    SIZE = "of the number or its interval's width"
    WIDTH = "of the interval's width"
    ERROR = "standard errors of upstream's mean"
    DRAWN = "of the number, where all draws give the same"


@dataclass(frozen=True)
class Compared:
    """A number of ours beside upstream's: `apart` in the unit in which at most `allowed` is right.

    For random statistics that is the standard error of upstream's mean, for bounds of linear models' uplifts the
    distance of the two bounds, and for others the larger of the number and its interval's width. `sigmas` is the same
    in standard deviations of the estimate, where it has an interval.
    """

    case: Case
    what: str
    apart: float
    allowed: float
    unit: Unit
    sigmas: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether it is as near as it should be."""
        return abs(self.apart) <= self.allowed


def ours(case: Case) -> tuple[EstimateRow, ...]:
    """The product's rows: from the columns, or after pre-treatments from a warehouse that holds them."""
    return _from_warehouse(case) if case.steps else _from_columns(case)


def _column(case: Case) -> data.Column:
    column: data.Column = getattr(data, case.column)()
    return column


def _from_columns(case: Case) -> tuple[EstimateRow, ...]:
    arguments = dict(case.arguments)
    if case.adjusted:
        arguments["covariate_adjustment"] = Adjustment("m", PERIOD)
    method = parse_method(case.statistic, arguments)
    codes = np.repeat(np.arange(3, dtype=np.int8), data.SIZES)
    values, other = (np.concatenate(side) for side in _column(case))
    if case.integer:
        values, other = values.astype(np.int64), other.astype(np.int64)
    return estimate(method, sample_from_columns(method, Columns("m", data.BRANCHES, codes, values, other)))


def _from_warehouse(case: Case) -> tuple[EstimateRow, ...]:
    units: list[warehouse.Unit] = []
    column = _column(case)
    for branch, values, others in zip(data.BRANCHES, column.values, column.covariate, strict=True):
        own = [int(value) if case.integer else float(value) for value in values]
        units += warehouse.units_of(branch, own, [None if np.isnan(other) else float(other) for other in others])
    covariate: Covariate | None = warehouse.BEFORE if case.adjusted else None
    steps = [warehouse.step(name, **arguments) for name, arguments in case.steps]
    parts = {"numerator": "clicks", "denominator": "visits"} if case.statistic == "population_ratio" else {}
    asked = warehouse.statistic(case.statistic, *steps, covariate=covariate, **{**case.arguments, **parts})
    with tempfile.TemporaryDirectory() as root:
        kind = warehouse.WHOLE if case.integer else warehouse.REAL
        world = warehouse.world_of(Path(root), units, kind=kind, branches=data.BRANCHES)
        estimated = world.ratio(asked) if parts else world.estimate(asked)
        return tuple(placed.row for placed in estimated.rows)


def key_of(row: EstimateRow) -> Key:
    """What tells the rows of a case apart."""
    parameter = None if row.parameter is None else str(row.parameter)
    return row.statistic, parameter, row.branch, row.comparison, row.comparison_to_branch


@cache
def _known() -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = json.loads(FILE.read_text())
    return found


def references(case: Case) -> dict[Key, Sequence[float | None]]:
    """Upstream's numbers by row: point, lower, upper, and where chance is in them the standard errors of these."""
    found: dict[Key, Sequence[float | None]] = {}
    for name, parameter, branch, comparison, to, *numbers in _known()[case.name]:
        text = None if parameter is None else str(round(Decimal(parameter), 6).normalize())
        found[name, text, branch, comparison, to] = numbers
    return found


def compare(case: Case) -> Iterator[Compared]:
    """Yield every number that both sides have.

    Raises:
        AssertionError: a row that only one side has, or a number that only upstream has and no reason for that.
    """
    expected = references(case)
    rows = ours(case)
    assert {key_of(row) for row in rows} == set(expected), f"{case.name}: other rows"
    for row in rows:
        theirs = expected[key_of(row)]
        errors = theirs[3:] if case.statistic in RANDOM else (None,) * 3
        for name, number, error in zip(NAMES, theirs[:3], errors, strict=True):
            own: float | None = getattr(row, name)
            if own is None:
                assert number is None or row.reason is not None, f"{case.name}: {row}"
            elif number is not None:
                yield _compared(case, row, name, own - number, error)


def _compared(case: Case, row: EstimateRow, name: str, apart: float, error: float | None) -> Compared:
    width = row.upper - row.lower if row.lower is not None and row.upper is not None else 0.0
    sigma = width / 2 / Z
    what = f"{row.branch} {row.comparison or 'alone'} {row.parameter or ''} {name}"
    sigmas = apart / sigma if sigma else 0.0
    # Densities of nearly nothing are sums of what underflows.
    size = max(abs(getattr(row, name)), width, NOTHING if case.statistic in GRIDS else 0.0) or 1.0
    granular = GRANULAR.get(f"{case.statistic} {case.column}", 0.0) * sigma
    if error is not None and error > EXACT * width:
        return Compared(case, what, apart / error, ERRORS + granular / error, Unit.ERROR, sigmas)
    if row.comparison is Comparison.RELATIVE_UPLIFT and name != "point" and case.statistic not in RANDOM:
        return Compared(case, what, apart / width, GRADIENT, Unit.WIDTH, sigmas)
    if case.statistic in RANDOM:
        return Compared(case, what, apart / max(size, 1.0), UNSEEN + granular, Unit.DRAWN, sigmas)
    return Compared(case, what, apart / size, EXACT, Unit.SIZE, sigmas)
