"""How published estimates are compared with Jetstream's statistics of the values that its own queries found."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import log1p, sqrt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jetstream_argo.dialect.types import Value
from jetstream_argo.report.results import Filters, read_estimates
from jetstream_argo.sql.text import Sql
from jetstream_argo.stats.rows import Reason
from jetstream_argo.warehouse.types import Result
from tests.oracle.ask import ask
from tests.oracle.compare import Answer, Comparison, qualified
from tests.oracle.world import ESTIMATED, World

Numbers = list[float | None]
Row = Mapping[str, Value]

# As Jetstream's client gives them to pandas.
_ARROW = {"STRING": pa.string(), "INT64": pa.int64(), "FLOAT64": pa.float64(), "BOOL": pa.bool_()}
_ROW_NAMES = {"bootstrap_mean": "mean", "linear_model_mean": "mean_lm", "linear_model_mean_no_clip": "mean_lm_noclip"}
_RANDOM = {"bootstrap_mean", "binomial", "deciles", "population_ratio"}
_NUMBERS = ("point", "lower", "upper")
_Z = 1.959963984540054
SEEDS = 4
# The standard error of a bound over one run of 10,000 draws, in standard errors of the estimate: what few runs say of
# it is itself a matter of chance.
_OF_ONE_RUN = 0.027


def compare_estimates(world: World, answer: Answer, folder: Path) -> Comparison:
    """Compare every estimate of the periods that were estimated, where Jetstream has one.

    A number that only one side has is counted by our reason for it.
    """
    found = Comparison()
    asked = [
        {**statistic, "path": str(_saved(world, statistic, folder / f"{number}.parquet"))}
        for number, statistic in enumerate(answer["statistics"])
    ]
    ours = _ours(world)
    for theirs in ask("estimates", world.launch, statistics=asked, seeds=SEEDS):
        statistic = theirs["statistic"]
        place = (
            theirs["metric"], _ROW_NAMES.get(statistic, statistic), theirs["basis"], theirs["period"],
            theirs["index"], theirs["segment"],
        )  # fmt: skip
        _compare(found, statistic, place, ours.get(place, {}), dict(_rows(theirs)))
    return found


def _saved(world: World, asked: Answer, path: Path) -> Path:
    result = world.pipeline.engine.query(Sql(qualified(asked["sql"])), labels={})
    pq.write_table(_arrow(result), path)
    return path


def _arrow(result: Result) -> pa.Table:
    columns = {
        column.name: pa.array([row[n] for row in result.rows], _ARROW.get(column.type, pa.decimal128(38, 9)))
        for n, column in enumerate(result.columns)
    }
    return pa.table(columns)


def _ours(world: World) -> dict[tuple[object, ...], dict[tuple[object, ...], Row]]:
    result = read_estimates(world.pipeline.engine, world.plan, Filters(periods=ESTIMATED))
    found: dict[tuple[object, ...], dict[tuple[object, ...], Row]] = {}
    for row in result.dicts():
        names = ("metric", "statistic", "analysis_basis", "period", "window_index", "segment")
        place = tuple(int(str(row[name])) if name == "window_index" else row[name] for name in names)
        key = (row["branch"], _number(row["parameter"]), row["comparison"], row["comparison_to_branch"])
        found.setdefault(place, {})[key] = row
    return found


def _rows(theirs: Mapping[str, Any]) -> Iterator[tuple[tuple[object, ...], Numbers]]:
    for _, parameter, branch, comparison, to, *numbers in theirs["rows"]:
        yield (branch, _number(parameter), comparison, to), numbers


def _number(parameter: object) -> object:
    return None if parameter is None else round(Decimal(str(parameter)), 6).normalize()


def _compare(
    found: Comparison,
    statistic: str,
    place: tuple[object, ...],
    ours: Mapping[tuple[object, ...], Row],
    theirs: Mapping[tuple[object, ...], Numbers],
) -> None:
    where = " ".join(map(str, place))
    for key in theirs:
        if key not in ours:
            found.differences.append(f"{where} {key}: only theirs: {theirs[key][:3]}")
    for key, row in ours.items():
        if key in theirs:
            _compare_row(found, statistic, f"{where} {key}", row, theirs[key])
        else:
            found.compared[f"rows only of ours, {statistic}, {row['reason'] or _why_not(row)}"] += 1


def _compare_row(found: Comparison, statistic: str, where: str, row: Row, numbers: Numbers) -> None:
    for name, theirs, error in zip(_NUMBERS, numbers[:3], numbers[3:], strict=True):
        cell = row[name]
        if cell is None and theirs is None:
            found.compared["absent on both sides"] += 1
        elif cell is None or theirs is None:
            side = "theirs" if cell is None else "ours"
            found.compared[f"only {side}, {statistic} {row['comparison']} {name}, {row['reason']}"] += 1
            if cell is None and row["reason"] is None:
                found.differences.append(f"{where} {name}: None, theirs {theirs!r}, no reason")
        elif row["adjusted"] is False and row["reason"] == Reason.TOO_FEW_UNITS:
            found.compared["too few units to adjust"] += 1
        elif statistic == "population_ratio" and row["reason"] in (Reason.FEW_UNITS, Reason.APPROXIMATE):
            found.compared[f"ratio of {row['reason']}"] += 1
        else:
            found.compared[f"numbers of {statistic}"] += 1
            apart = abs(_float(cell) - theirs)
            allowed = _allowed(statistic, row, name, theirs, error or 0.0)
            if not apart <= allowed:
                what = f"{cell!r}, theirs {theirs!r}, apart {apart:.3g}, allowed {allowed:.3g}, {row['reason']}"
                found.differences.append(f"{where} {name}: {what}")


def _allowed(statistic: str, row: Row, name: str, value: float, error: float) -> float:
    """Return how far apart two numbers may be; README.md says why."""
    bounded = row["lower"] is not None and row["upper"] is not None
    width = _float(row["upper"]) - _float(row["lower"]) if bounded else 0.0
    exact = 1e-9 * max(abs(value), width) + 1e-12
    if statistic in _RANDOM:
        # Of a skew law the farther bound is drawn from a thinner tail, and wanders more.
        far = abs(_float(row[name]) - _float(row["point"])) if bounded and row["point"] is not None else 0.0
        sigma = max(width / 2, far) / _Z
        # Upstream interpolates deciles between the order statistics; ours are order statistics.
        granular = sigma if statistic == "deciles" and name != "point" else 0.0
        return exact + 6 * max(error, _OF_ONE_RUN * sigma / sqrt(SEEDS)) + granular
    if row["comparison"] == "relative_uplift" and name != "point" and row["point"]:
        # Their gradient is a forward difference whose step is a share of each coefficient, 1.5e-8: the smaller the
        # difference of two branches, the more of it is rounding. They compute the logarithm of the ratio.
        share = 1e-5 + 1e-7 / abs(_float(row["point"]))
        if bounded and _float(row["point"]) > -1:
            width = (1 + abs(value)) * 2 * (log1p(_float(row["upper"])) - log1p(_float(row["point"])))
        return exact + share * width
    return exact


def _float(value: Value) -> float:
    return float(str(value))


def _why_not(row: Row) -> str:
    return "number" if row["point"] is not None else "no number"
