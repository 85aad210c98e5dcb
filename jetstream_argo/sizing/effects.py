"""Computes the effects that could be found, from how much units vary."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from jetstream_argo.sizing.past import MEAN, RATIO
from jetstream_argo.stats.power import detectable, error_of_difference
from jetstream_argo.stats.registry import row_name

_ROWS = (row_name(MEAN), row_name(RATIO))


@dataclass(frozen=True, slots=True)
class Spread:
    """How a metric varies from unit to unit over some weeks: of `units` in a past period.

    `adjusted` is the standard deviation of what the covariate leaves, None where none could be had; of a ratio, the
    standard deviation is that of its linear form (delta method).
    """

    metric: str
    weeks: int
    units: int
    mean: float
    deviation: float
    adjusted: float | None = None


@dataclass(frozen=True, slots=True)
class Sized:
    """The smallest difference that is found: `effect` in the metric's unit, `relative` as a share of its mean."""

    metric: str
    weeks: int
    units: int
    adjusted: bool
    mean: float
    deviation: float
    effect: float
    relative: float | None


@dataclass(frozen=True, slots=True)
class Design:
    """How it is tested: the share of all units in the two branches that are compared, confidence and power."""

    shares: tuple[float, float]
    confidence: float = 0.95
    power: float = 0.8


def spreads_of(rows: Sequence[Mapping[str, object]]) -> Iterator[Spread]:
    """Yield how each metric varied, from the estimates of a past experiment, whose branches hold the same units."""
    own = [row for row in rows if row["statistic"] in _ROWS and row["segment"] == "all"]
    for metric, window in dict.fromkeys((str(row["metric"]), int(str(row["window_index"]))) for row in own):
        found = [row for row in own if row["metric"] == metric and int(str(row["window_index"])) == window]
        alone = next((row for row in found if row["comparison"] is None), None)
        pair = next((row for row in found if row["comparison"] == "difference"), None)
        if alone is None or alone["point"] is None or pair is None or pair["std_error"] is None:
            continue
        units = int(str(alone["n_units"]))
        of_pair = _number(pair["std_error"]) * sqrt(int(str(pair["n_units"]))) / 2
        if alone["statistic"] == row_name(RATIO):
            yield Spread(metric, window, units, _number(alone["point"]), of_pair)
        elif alone["std_error"] is not None:
            deviation = _number(alone["std_error"]) * sqrt(units)
            adjusted = of_pair if pair["adjusted"] else None
            yield Spread(metric, window, units, _number(alone["point"]), deviation, adjusted)


def sized(spreads: Sequence[Spread], populations: Sequence[int], design: Design) -> Iterator[Sized]:
    """Yield what each metric could find with so many units in all, without covariate and with it.

    Without `populations` there are as many units as in the past period.
    """
    for spread in spreads:
        for units in populations or (spread.units,):
            for adjusted, deviation in ((False, spread.deviation), (True, spread.adjusted)):
                if deviation is not None:
                    compared = (units * design.shares[0], units * design.shares[1])
                    error = error_of_difference(deviation, compared)
                    effect = detectable(error=error, confidence=design.confidence, power_=design.power)
                    relative = effect / abs(spread.mean) if spread.mean else None
                    yield Sized(spread.metric, spread.weeks, units, adjusted, spread.mean, deviation, effect, relative)


def shares_compared(branches: Sequence[str], ratios: Sequence[int], reference: str | None) -> tuple[float, float]:
    """Return the shares of the reference branch and of the smallest of the others, of all units."""
    weights = list(ratios) if len(ratios) == len(branches) else [1] * len(branches)
    place = branches.index(reference) if reference in branches else 0
    others = [weight for number, weight in enumerate(weights) if number != place]
    return weights[place] / sum(weights), min(others, default=weights[place]) / sum(weights)


def _number(value: object) -> float:
    return float(str(value))
