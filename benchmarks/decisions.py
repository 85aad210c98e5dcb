"""How often health checks and the decision rule err: what they promise, and what happens in many experiments made up.

    python -m benchmarks.decisions [CHECK …]      # one or more of CHECKS; all of them by default

Every line says what was tried, how often the check alarmed or decided so with its standard error, and what is promised.
"""

import sys
from collections.abc import Callable, Iterator
from math import sqrt

import numpy as np

from benchmarks.decisions_in_parts import causes_found, clipping, segments, several, tried
from jetstream_argo.config.model import MetricRole
from jetstream_argo.report.decision.rule import ALPHA, DecidingMetric, Decision, DecisionInput, Uplift, decide
from jetstream_argo.report.source_rows import jumps_of
from jetstream_argo.sizing.effects import Design, Spread, sized
from jetstream_argo.stats.checks import ALARM, BEFORE_ALARM, SMALLEST_DEVIATION, split_test

EXPERIMENTS = 20_000
WINDOWS = 28
SIZED = 2_000
_Z = 1.959963984540054


def split() -> Iterator[str]:
    """The split of units: fair, and broken, with few units and with many, equal and unequal."""
    rng = np.random.default_rng(1)
    for units, shares in ((50, (99, 1)), (50, (1, 1)), (300, (1, 1, 1)), (10_000, (9, 1)), (1_000_000, (1, 1))):
        fair = np.array(shares) / sum(shares)
        drawn = rng.multinomial(units, fair, EXPERIMENTS)
        alarms = sum(split_test([int(n) for n in row], shares).is_alarm(ALARM, SMALLEST_DEVIATION) for row in drawn)
        yield tried(f"split {shares} of {units:,} units, fair", alarms, EXPERIMENTS, f"at most {ALARM:.1%}")
    for units, off in ((10_000, 0.1), (100_000, 0.03), (1_000_000, 0.01), (5_000_000, 0.002)):
        broken = np.array([0.5 * (1 + off), 0.5 * (1 - off)])
        drawn = rng.multinomial(units, broken, 2_000)
        alarms = sum(split_test([int(n) for n in row], (1, 1)).is_alarm(ALARM, SMALLEST_DEVIATION) for row in drawn)
        what = "does not matter: 0.5 % are asked for" if off < SMALLEST_DEVIATION else "power"
        yield tried(f"split (1, 1) of {units:,} units, off by {off:.1%}", alarms, 2_000, what)
    segments = rng.binomial(2_000, 0.5, (EXPERIMENTS // 4, 5))
    found = sum(
        any(split_test([int(n), 2_000 - int(n)], (1, 1)).is_alarm(ALARM, SMALLEST_DEVIATION) for n in row)
        for row in segments
    )
    yield tried(
        "split (1, 1) in any of 5 segments of 2,000 units, fair", found, EXPERIMENTS // 4, f"at most {5 * ALARM:.1%}"
    )


def before() -> Iterator[str]:
    """Branches before enrollment: 10 metrics between two branches, alike, and with one that differs."""
    rng = np.random.default_rng(2)
    for shift, what in ((0.0, f"at most {BEFORE_ALARM:.0%}"), (4.0, "power")):
        z = rng.standard_normal((EXPERIMENTS, 10))
        z[:, 0] += shift
        p_values = 2 * _tail(np.abs(z))
        alarms = int(np.sum(p_values.min(axis=1) * 10 < BEFORE_ALARM))
        yield tried(f"before enrollment, 10 metrics, one off by {shift:g} errors", alarms, EXPERIMENTS, what)


def rows() -> Iterator[str]:
    """Rows of a source over 28 days with weekends at 60 % and 10 % of noise: as they are, and with a date of fewer."""
    rng = np.random.default_rng(3)
    weekly = np.array([1, 1, 1, 1, 1, 0.6, 0.6] * 4)
    for factor in (1.0, 0.6, 0.4, 0.2, 2.5):
        alarms = 0
        for _ in range(1_000):
            counts = 10_000 * weekly * np.exp(rng.normal(0, 0.1, WINDOWS))
            counts[10] *= factor
            alarms += any(jumps_of("t", {737_000 + day: int(count) for day, count in enumerate(counts)}))
        what = "false alarms" if factor == 1 else "power"
        yield tried(f"rows of a source, one date with {factor:.0%} of its rows", alarms, 1_000, what)


def rule() -> Iterator[str]:
    """The rule, looked at after each of 28 days and after the overall window, as an experiment goes on."""
    metrics = (
        DecidingMetric("primary 1", MetricRole.PRIMARY),
        DecidingMetric("primary 2", MetricRole.PRIMARY),
        DecidingMetric("guardrail 1", MetricRole.GUARDRAIL, margin=0.02, windows=WINDOWS + 1),
        DecidingMetric("guardrail 2", MetricRole.GUARDRAIL, windows=WINDOWS + 1),
    )
    tries = (
        ("no effect", (0.0, 0.0, 0.0, 0.0), Decision.SUCCESS, f"at most {ALPHA:.0%}"),
        ("no effect", (0.0, 0.0, 0.0, 0.0), Decision.HARMED, f"at most {ALPHA:.0%}"),
        ("a guardrail at its margin", (0.0, 0.0, -0.02, 0.0), Decision.HARMED, f"at most {ALPHA:.0%}"),
        (
            "a guardrail at its margin, a true success",
            (0.02, 0.0, -0.02, 0.0),
            Decision.SUCCESS,
            f"at most {ALPHA:.0%}",
        ),
        ("a guardrail harmed by 4 %", (0.0, 0.0, -0.04, 0.0), Decision.HARMED, "power"),
        ("a true success of 4 errors", (0.02, 0.0, 0.0, 0.0), Decision.SUCCESS, "power"),
        ("a true success of 4 errors", (0.02, 0.0, 0.0, 0.0), Decision.HARMED, f"at most {ALPHA:.0%}"),
    )
    decided: dict[tuple[float, ...], list[Decision]] = {}
    for name, effects, outcome, promise in tries:
        if effects not in decided:
            decided[effects] = _outcomes(metrics, effects)
        found = sum(decision is outcome for decision in decided[effects])
        yield tried(f"rule, {name}: {outcome.value}", found, EXPERIMENTS, promise)


def _outcomes(metrics: tuple[DecidingMetric, ...], effects: tuple[float, ...]) -> list[Decision]:
    """Return what is decided of each experiment by always looking: harm at any look stays."""
    rng = np.random.default_rng(4)
    error = (
        0.005  # of the overall uplift; a day has less to say, and days are correlated as those of the same units are
    )
    names = [metric.name for metric in metrics]
    shared = rng.standard_normal((EXPERIMENTS, len(names), 1))
    own = rng.standard_normal((EXPERIMENTS, len(names), WINDOWS))
    days = np.array(effects)[None, :, None] + 2 * error * (sqrt(0.5) * shared + sqrt(0.5) * own)
    overall = np.array(effects)[None, :] + error * rng.standard_normal((EXPERIMENTS, len(names)))
    p_values = 2 * _tail(np.abs(overall / error))
    outcomes = []
    for experiment in range(EXPERIMENTS):
        guarded = [
            Uplift(names[place], "b", f"day {day + 1}", point, point - _Z * 2 * error, point + _Z * 2 * error)
            for place in (2, 3)
            for day, point in enumerate(days[experiment, place].tolist())
        ]
        last = [
            Uplift(name, "b", "overall", point, point - _Z * error, point + _Z * error, p_value)
            for name, point, p_value in zip(
                names, overall[experiment].tolist(), p_values[experiment].tolist(), strict=True
            )
        ]
        outcomes.append(decide(DecisionInput(("b",), tuple(last), (*guarded, *last)), metrics)[0].outcome)
    return outcomes


def size() -> Iterator[str]:
    """Sizes: the effect that is said to be found at 80 % is put into experiments with skew values."""
    rng = np.random.default_rng(5)
    shape = 0.8
    for units in (1_000, 10_000):
        spread = Spread("m", 1, units, 1.0, 1 / sqrt(shape))
        [found] = sized([spread], [units], Design((0.5, 0.5)))
        half, hits = units // 2, 0
        for _ in range(SIZED):
            a, b = rng.gamma(shape, 1 / shape, half), rng.gamma(shape, 1 / shape, half) + found.effect
            error = sqrt(a.var(ddof=1) / half + b.var(ddof=1) / half)
            hits += abs(b.mean() - a.mean()) > _Z * error
        yield tried(f"size: the effect said to be found at 80 % with {units:,} units", hits, SIZED, "78 to 82 %")


def _tail(z: "np.ndarray | float") -> "np.ndarray":
    from scipy.special import ndtr

    return np.asarray(ndtr(-np.asarray(z)))


CHECKS: dict[str, Callable[[], Iterator[str]]] = {
    "split": split,
    "before": before,
    "rows": rows,
    "rule": rule,
    "size": size,
    "several": several,
    "causes": causes_found,
    "segments": segments,
    "clipping": clipping,
}


def main(names: list[str]) -> None:
    """Print the lines of the checks asked for."""
    for name in names or list(CHECKS):
        for line in CHECKS[name]():
            print(line, flush=True)  # a benchmark


if __name__ == "__main__":
    main(sys.argv[1:])
