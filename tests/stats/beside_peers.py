"""The product's numbers beside those of other packages, which `peers.json` holds: `make_peers.py` says how."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jetstream_argo.stats.checks import benjamini_hochberg, holm, sample_ratio_p_value
from jetstream_argo.stats.comparisons.contrasts import relative, welch
from jetstream_argo.stats.moments import Moments
from jetstream_argo.stats.needs import Adjustment
from jetstream_argo.stats.rows import Comparison, EstimateRow
from tests.stats import reference_data as data
from tests.stats.samples import NAMES, estimated, row_of

PEERS: Mapping[str, Mapping[str, float]] = json.loads(Path(__file__).with_name("peers.json").read_text())
COUNTS, RATIO, BOOLEANS = data.counts(), data.ratio(), data.booleans()
ADJUST = {"covariate_adjustment": Adjustment("m", "preenrollment_week")}
PARTS = {"numerator": "y", "denominator": "x", "drop_highest": 0}
EXACT = 1e-9
SEARCHED = 1e-5  # of statsmodels' root finder


@dataclass(frozen=True)
class Beside:
    """A number of ours and a peer's: `apart` as a share of the peer's, or of the distance of its bounds."""

    peer: str
    what: str
    apart: float
    allowed: float


def _row(statistic: str, comparison: Comparison, column: data.Column = COUNTS, **arguments: object) -> EstimateRow:
    values = [value.astype(int) for value in column.values[:2]] if statistic == "binomial" else column.values[:2]
    rows = estimated(statistic, values, column.covariate[:2], **{"drop_highest": 0, **arguments})
    return row_of(rows, NAMES[1], comparison, NAMES[0])


def _named(name: str, row: EstimateRow) -> Iterator[tuple[str, float]]:
    words = {
        "point": row.point,
        "lower": row.lower,
        "upper": row.upper,
        "p": row.p_value,
        "error": row.std_error,
        "chance to win": row.chance_to_win,
        "expected loss": row.expected_loss,
        "variance reduction": row.variance_reduction,
    }
    yield from ((f"{name}, {word}", value) for word, value in words.items() if value is not None)


def ours() -> dict[str, float]:
    """Every number that a peer has too, by what it is."""
    difference, uplift = Comparison
    found: dict[str, float] = {}
    own_slopes = {**ADJUST, "own_slopes": True}
    for name, row in (
        ("welch difference", _row("welch_mean", difference)),
        ("welch uplift", _row("welch_mean", uplift)),
        ("cuped difference", _row("welch_mean", difference, **ADJUST)),
        ("own slopes difference", _row("welch_mean", difference, **own_slopes)),
        ("linear difference", _row("linear_model_mean", difference)),
        ("adjusted linear difference", _row("linear_model_mean", difference, **ADJUST)),
        ("ratio difference", _row("ratio_delta", difference, RATIO, **PARTS)),
        ("ratio uplift", _row("ratio_delta", uplift, RATIO, **PARTS)),
        ("binomial difference", _binomial()),
        ("minimum detectable effect", _row("minimum_detectable_effect", difference, power=0.9)),
        ("minimum detectable effect by search", _row("minimum_detectable_effect", difference, power=0.9)),
        ("always valid difference tuned for 5000", _row("welch_mean", difference, always_valid=True)),
        ("always valid difference tuned for 800", _row("welch_mean", difference, always_valid=True, tuned_for=800)),
        ("always valid uplift tuned for 800", _row("welch_mean", uplift, always_valid=True, tuned_for=800)),
    ):
        found |= _named(name, row)
    found |= _of_welch() | _of_ratio()
    p_values = [0.01, 0.04, 0.03, 0.005, 0.5, 0.03]
    for name, adjusted in (("Holm", holm(p_values)), ("Benjamini-Hochberg", benjamini_hochberg(p_values))):
        found |= {f"{name}, {place}": value for place, value in enumerate(adjusted)}
    for units, shares in (([500, 580], [1, 1]), ([500, 600, 400], [1, 1, 1]), ([120, 240, 130, 500], [1, 2, 1, 4])):
        found[f"split of {units} by {shares}, p"] = sample_ratio_p_value(units, shares)
    return found


def _binomial() -> EstimateRow:
    rows = estimated("binomial", [value.astype(int) for value in BOOLEANS.values[:2]])
    return row_of(rows, NAMES[1], Comparison.DIFFERENCE, NAMES[0])


def _of_welch() -> dict[str, float]:
    """What rows do not tell of a test."""
    reference, branch = (
        Moments(len(value), float(value.mean()), float(((value - value.mean()) ** 2).sum()))
        for value in COUNTS.values[:2]
    )
    found = welch(reference, branch)
    lower, upper = found.interval(0.9)
    return {
        "welch difference, t": found.point / found.error,
        "welch difference, dof": found.dof,
        "welch difference, lower at 0.9": lower,
        "welch difference, upper at 0.9": upper,
        "welch uplift, error": relative(reference, branch).error,
    }


def _of_ratio() -> dict[str, float]:
    row = _row("ratio_delta", Comparison.RELATIVE_UPLIFT, RATIO, **PARTS)
    assert row.upper is not None
    assert row.lower is not None
    return {"ratio uplift, error": (row.upper - row.lower) / 2 / 1.959963984540054}


def compare() -> Iterator[Beside]:
    """Yield every number of every peer beside ours."""
    known = ours()
    for peer, numbers in PEERS.items():
        for what, number in numbers.items():
            name = what.rpartition(",")[0]
            width = abs(numbers.get(f"{name}, upper", 0.0) - numbers.get(f"{name}, lower", 0.0))
            allowed = SEARCHED if "by search" in what else EXACT
            yield Beside(peer, what, (known[what] - number) / max(abs(number), width), allowed)
