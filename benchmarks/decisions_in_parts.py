"""How often checks err that look at parts of the units: several branches, days, segments, the highest values."""

from collections.abc import Iterator
from dataclasses import replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from jetstream_argo.cli.demo import demo_experiment
from jetstream_argo.estimating.branch_cut import BranchCut
from jetstream_argo.estimating.cut import ALARM, are_uneven, differ_in_share
from jetstream_argo.report.who_counts import WhoCounts
from jetstream_argo.run.split_facts import UnitPart, causes
from jetstream_argo.stats.checks import ALARM as SPLIT_ALARM
from jetstream_argo.stats.checks import SMALLEST_DEVIATION, holm, split_test
from jetstream_argo.stats.comparisons.segment_effects import differ, effects
from jetstream_argo.stats.methods.welch_mean import WelchMean
from jetstream_argo.stats.moments import Covaried, JointMoments, Moments
from jetstream_argo.stats.needs import Adjustment

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

EXPERIMENTS = 2_000
SEGMENTS, METRICS = 5, 3
LEVEL = 0.05
_CLIPPED = 0.005


def several() -> Iterator[str]:
    """The share of units in several branches: what a public test had, half the limit, and twice the limit."""
    rng = np.random.default_rng(6)
    for units, share, what in (
        (57_680, 71 / 57_680, "false alarms"), (10_000, 0.005, "false alarms"), (10_000, 0.02, "power"),
    ):  # fmt: skip
        drawn = rng.binomial(units, share, EXPERIMENTS * 10)
        alarms = sum(WhoCounts(several_share=int(n) / units).is_too_often_in_several for n in drawn)
        yield tried(f"{share:.2%} of {units:,} units in several branches", alarms, EXPERIMENTS * 10, what)


def causes_found() -> Iterator[str]:
    """Where a split is off: one of 7 days, which is named, or all of them alike, which none explains."""
    rng = np.random.default_rng(7)
    plan, _ = demo_experiment()
    experiment = replace(plan.experiment, branches=("a", "b"), branch_shares=(1, 1), sample_ratio_alarm=SPLIT_ALARM)
    plan = replace(plan, experiment=experiment)
    for name, off, right in (
        ("a split of 20,000 units that one of 7 days is off by 30 % in: that day is named", (0.3, *[0.0] * 6), True),
        ("the same, that all days are off by 5 % in: a day or segment is said to explain it", [0.05] * 7, False),
    ):
        found, alarms = 0, 0
        for _ in range(EXPERIMENTS):
            days = [rng.multinomial(2_857, [0.5 * (1 + share), 0.5 * (1 - share)]) for share in off]
            whole = np.sum(days, axis=0)
            if not split_test(whole.tolist(), (1, 1)).is_alarm(SPLIT_ALARM, SMALLEST_DEVIATION):
                continue
            alarms += 1
            parts = [UnitPart("day", str(day), tuple(counts.tolist())) for day, counts in enumerate(days)]
            parts += [
                UnitPart("segment", str(segment), tuple(rng.binomial(whole, 0.3).tolist()))
                for segment in range(SEGMENTS)
            ]
            named = list(causes(plan, whole.tolist(), parts))
            explained = [cause["name"] for cause in named if cause["explains"]]
            found += explained[:1] == ["0"] if right else bool(explained)
        yield tried(f"{name} ({alarms} alarms)", found, alarms, "power" if right else "")


def segments() -> Iterator[str]:
    """Segments against the rest: any false alarm among all tests, and one effect that does differ."""
    for adjusted in (False, True):
        kind = "adjusted, clipped means" if adjusted else "clipped means"
        for extra, what in ((0.0, f"at most {LEVEL:.0%}"), (5.0, "power")):
            rng = np.random.default_rng(8)
            hits = sum(_any_differs(rng, adjusted=adjusted, extra=extra) for _ in range(EXPERIMENTS))
            name = f"{SEGMENTS} segments, {METRICS} metrics, {kind}"
            yield tried(f"{name}, one effect off by {extra:g} errors" if extra else name, hits, EXPERIMENTS, what)


def _any_differs(rng: np.random.Generator, *, adjusted: bool, extra: float) -> bool:
    """Whether Holm's test finds an effect that differs; a branch adds 10 % of a standard deviation to all its units."""
    n = 2_000
    inside = {branch: rng.random((SEGMENTS, n)) < 0.3 for branch in "ab"}  # a share
    method = WelchMean(covariate_adjustment=Adjustment("before", "preenrollment_week") if adjusted else None)
    p_values = []
    for metric in range(METRICS):
        before = {branch: rng.gamma(0.8, 1, n) for branch in "ab"}
        values = {branch: before[branch] + rng.gamma(0.8, 1, n) for branch in "ab"}
        values["b"] = values["b"] + 0.1 * values["b"].std()
        if metric == 0 and extra:
            error = values["a"].std() * sqrt(2 / n / 0.3 + 2 / n / 0.7)
            values["b"] = values["b"] + extra * error * inside["b"][0]
        limits = [np.quantile(np.concatenate(list(column.values())), 1 - _CLIPPED) for column in (values, before)]
        for segment in range(SEGMENTS):
            sides = [
                {
                    branch: _moments(values[branch], before[branch], mask, limits, adjusted=adjusted)
                    for branch, mask in ((b, inside[b][segment] == place) for b in "ab")
                }
                for place in (True, False)
            ]
            found = effects(method, sides[0], sides[1], pair=("a", "b"))
            difference = differ(*found) if found is not None else None
            p_values.append(1.0 if difference is None else difference.p_value)
    adjusted_p = holm(p_values)
    return adjusted_p[0] < LEVEL if extra else min(adjusted_p) < LEVEL


def _moments(y: Values, x: Values, mask: Mask, limits: list[float], *, adjusted: bool) -> Moments | Covaried:
    y, x = np.minimum(y[mask], limits[0]), np.minimum(x[mask], limits[1])
    units = _of(y)
    if not adjusted:
        return units
    of_x, product = _of(x), float(((y - y.mean()) * (x - x.mean())).sum())
    return Covaried(units, JointMoments(units.n, units.mean, of_x.mean, units.m2, of_x.m2, product))


def clipping() -> Iterator[str]:
    """Marks of clipping that one branch has more cut: of branches alike, and of one with a longer tail."""
    rng = np.random.default_rng(9)
    for sigma, what in ((1.0, f"at most {ALARM:.1%}"), (1.15, "power")):
        shares, units = 0, 0
        for _ in range(EXPERIMENTS):
            a, b = rng.lognormal(0, 1, 20_000), rng.lognormal((1 - sigma**2) / 2, sigma, 20_000)
            common = float(np.quantile(np.concatenate([a, b]), 1 - _CLIPPED))
            units += are_uneven(_cut(a, common), _cut(b, common))
            own = [_cut(values, float(np.quantile(values, 1 - _CLIPPED))) for values in (a, b)]
            shares += differ_in_share(own[0], own[1], _CLIPPED)
        tail = "alike" if sigma == 1 else "one with a longer tail"
        yield tried(f"clipped at a common threshold, {tail}: more units of one branch", units, EXPERIMENTS, what)
        yield tried(f"clipped at thresholds of their own, {tail}: a larger share", shares, EXPERIMENTS, what)


def _cut(values: Values, limit: float) -> BranchCut:
    return BranchCut.of_mean(_of(values), _of(np.minimum(values, limit)), limit, int((values > limit).sum()))


def _of(values: Values) -> Moments:
    return Moments(len(values), float(values.mean()), float(((values - values.mean()) ** 2).sum()))


def tried(what: str, found: int, total: int, promise: str) -> str:
    """Return a line of what was tried, how often it was found with the standard error of that, and what is promised."""
    share = found / total
    error = sqrt(max(share * (1 - share), 1 / total) / total)
    return f"{what:<84} {share:8.2%} ± {error:.2%}   {promise}"
