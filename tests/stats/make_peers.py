"""Writes `peers.json`: what other packages compute where Jetstream computes nothing, on `reference_data`.

    python -m venv oracle
    oracle/bin/pip install tea-tasting==1.14.0 statsmodels==0.15.0 scipy==1.17.1
    oracle/bin/python tests/stats/make_peers.py scipy statsmodels tea-tasting
    python -m venv gb
    gb/bin/pip install gbstats==0.8.0
    gb/bin/python tests/stats/make_peers.py gbstats

Each package that is named is asked anew; the numbers of the others stay. The first two branches are compared.
"""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import reference_data as data  # beside this program: a package named tests is among the dependencies

FILE = Path(__file__).with_name("peers.json")
COUNTS, RATIO, BOOLEANS, CONTINUOUS = data.counts(), data.ratio(), data.booleans(), data.continuous()
P_VALUES = [0.01, 0.04, 0.03, 0.005, 0.5, 0.03]
SPLITS = (([500, 580], [1, 1]), ([500, 600, 400], [1, 1, 1]), ([120, 240, 130, 500], [1, 2, 1, 4]))
Found = dict[str, float]


def of_scipy() -> Found:
    """Welch's test, proportions, splits, adjusted p-values, and integrals of two Beta laws."""
    from scipy import integrate, stats

    y0, y1 = COUNTS.values[:2]
    welch = stats.ttest_ind(y1, y0, equal_var=False)
    interval = welch.confidence_interval(0.9)
    found = {
        "welch difference, p": welch.pvalue,
        "welch difference, t": welch.statistic,
        "welch difference, dof": welch.df,
        "welch difference, lower at 0.9": interval.low,
        "welch difference, upper at 0.9": interval.high,
    }
    error = np.sqrt(sum(sample.var(ddof=1) / len(sample) for sample in (y0, y1)))
    found["minimum detectable effect, point"] = (stats.norm.ppf(0.975) + stats.norm.ppf(0.9)) * error
    s, n = ([int(f(value)) for value in BOOLEANS.values[:2]] for f in (np.sum, len))
    table = [[s[i], n[i] - s[i]] for i in (0, 1)]
    found["binomial difference, p"] = stats.chi2_contingency(table, correction=False).pvalue
    law, base = (stats.beta(s[i] + 1, n[i] - s[i] + 1) for i in (1, 0))
    found["binomial difference, chance to win"] = integrate.quad(
        lambda x: law.pdf(x) * base.cdf(x), 0, 1, points=[0.12, 0.15], epsabs=1e-13
    )[0]
    found["binomial difference, expected loss"] = integrate.quad(
        lambda x: law.cdf(x) * base.sf(x), 0, 1, points=[0.12, 0.15], epsabs=1e-13
    )[0]
    for units, shares in SPLITS:
        expected = np.array(shares) * sum(units) / sum(shares)
        found[f"split of {units} by {shares}, p"] = stats.chisquare(units, expected).pvalue
    for place, value in enumerate(stats.false_discovery_control(P_VALUES)):
        found[f"Benjamini-Hochberg, {place}"] = value
    return found


def of_statsmodels() -> Found:
    """Robust errors, regressions of each branch, the pooled regression's p-values, power and adjusted p-values."""
    import statsmodels.api as sm
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.power import NormalIndPower

    y, x = (np.concatenate(side[:2]) for side in (COUNTS.values, COUNTS.covariate))
    branch = np.repeat([0.0, 1.0], data.SIZES[:2])
    plain = sm.OLS(y, sm.add_constant(branch)).fit()
    found = {
        "welch difference, error": sm.OLS(y, sm.add_constant(branch)).fit(cov_type="HC2").bse[1],
        "linear difference, p": plain.pvalues[1],
        "linear difference, error": plain.bse[1],
    }
    adjusted = sm.OLS(y, sm.add_constant(np.column_stack([branch, x]))).fit()
    found |= {
        "adjusted linear difference, point": adjusted.params[1],
        "adjusted linear difference, p": adjusted.pvalues[1],
        "adjusted linear difference, error": adjusted.bse[1],
        "adjusted linear difference, variance reduction": 1 - (adjusted.bse[1] / plain.bse[1]) ** 2,
    }
    sides = [
        sm.OLS(COUNTS.values[i], sm.add_constant(COUNTS.covariate[i] - x.mean())).fit() for i in (0, 1)
    ]  # fmt: skip
    found["own slopes difference, point"] = sides[1].params[0] - sides[0].params[0]
    found["own slopes difference, error"] = float(np.hypot(sides[0].bse[0], sides[1].bse[0]))
    error = found["welch difference, error"]
    # It also counts effects that are found with the wrong sign, and searches: right to a millionth.
    effect = NormalIndPower().solve_power(nobs1=1.0, ratio=0, alpha=0.05, power=0.9)
    found["minimum detectable effect by search, point"] = effect * error
    for name, method in (("Holm", "holm"), ("Benjamini-Hochberg", "fdr_bh")):
        for place, value in enumerate(multipletests(P_VALUES, method=method)[1]):
            found[f"{name}, {place}"] = value
    return found


def of_tea_tasting() -> Found:
    """Welch's test, CUPED and ratios, from rows."""
    import pandas as pd
    import tea_tasting as tt

    def frame(column: data.Column) -> pd.DataFrame:
        sides = zip((0, 1), column.values[:2], column.covariate[:2], strict=True)
        return pd.concat([pd.DataFrame({"variant": i, "y": y, "x": x}) for i, y, x in sides], ignore_index=True)

    asked = {
        "welch": (COUNTS, tt.Mean("y")),
        "cuped": (COUNTS, tt.Mean("y", covariate="x")),
        "ratio": (RATIO, tt.RatioOfMeans("y", "x")),
    }
    found = {}
    for name, (column, metric) in asked.items():
        analyzed = tt.Experiment(m=metric).analyze(frame(column))["m"]
        found |= {
            f"{name} difference, point": analyzed.effect_size,
            f"{name} difference, lower": analyzed.effect_size_ci_lower,
            f"{name} difference, upper": analyzed.effect_size_ci_upper,
            f"{name} difference, p": analyzed.pvalue,
        }
    return found


def of_gbstats() -> Found:
    """Frequentist, sequential and Bayesian tests from sums."""
    from gbstats.bayesian.tests import EffectBayesianABTest, EffectBayesianConfig
    from gbstats.frequentist.tests import FrequentistConfig, SequentialConfig, SequentialTwoSidedTTest, TwoSidedTTest
    from gbstats.models.statistics import RatioStatistic, RegressionAdjustedStatistic, SampleMeanStatistic
    from gbstats.utils import check_srm

    def mean(values: np.ndarray) -> SampleMeanStatistic:
        return SampleMeanStatistic(n=len(values), sum=values.sum(), sum_squares=(values * values).sum())

    means = [mean(value) for value in COUNTS.values[:2]]
    y, x = (np.concatenate(side[:2]) for side in (COUNTS.values, COUNTS.covariate))
    theta = float(np.cov(y, x)[0, 1] / x.var(ddof=1))
    adjusted = [
        RegressionAdjustedStatistic(
            n=len(y), post_statistic=mean(y), pre_statistic=mean(x), post_pre_sum_of_products=(y * x).sum(), theta=theta
        )
        for y, x in zip(COUNTS.values[:2], COUNTS.covariate[:2], strict=True)
    ]
    ratios = [
        RatioStatistic(n=len(y), m_statistic=mean(y), d_statistic=mean(x), m_d_sum_of_products=(y * x).sum())
        for y, x in zip(RATIO.values[:2], RATIO.covariate[:2], strict=True)
    ]
    found = {}
    for name, sides in (("welch", means), ("cuped", adjusted), ("ratio", ratios)):
        for kind, word in (("absolute", "difference"), ("relative", "uplift")):
            if (name, kind) == ("cuped", "relative"):
                continue  # over the mean of the reference as it was, ours over that as adjusted
            computed = TwoSidedTTest(*sides, FrequentistConfig(difference_type=kind)).compute_result()
            found |= {f"{name} {word}, point": computed.expected, f"{name} {word}, error": computed.uplift.stddev}
            if kind == "absolute":
                found[f"{name} {word}, p"] = computed.p_value
                found[f"{name} {word}, lower"], found[f"{name} {word}, upper"] = computed.ci
    for tuned, kind, word in (
        (5000, "absolute", "difference"),
        (800, "absolute", "difference"),
        (800, "relative", "uplift"),
    ):
        config = SequentialConfig(sequential_tuning_parameter=tuned, difference_type=kind)
        ci = SequentialTwoSidedTTest(*means, config).compute_result().ci
        found |= {
            f"always valid {word} tuned for {tuned}, {end}": at for end, at in zip(("lower", "upper"), ci, strict=True)
        }
    bayes = EffectBayesianABTest(*means, EffectBayesianConfig(difference_type="absolute")).compute_result()
    found["welch difference, chance to win"] = bayes.chance_to_win
    found["welch difference, expected loss"] = bayes.risk[1]
    for units, shares in SPLITS:
        found[f"split of {units} by {shares}, p"] = check_srm(units, shares)
    return found


PEERS: dict[str, Callable[[], Found]] = {
    "scipy": of_scipy,
    "statsmodels": of_statsmodels,
    "tea-tasting": of_tea_tasting,
    "gbstats": of_gbstats,
}


def main(names: list[str]) -> None:
    """Ask the packages named."""
    warnings.simplefilter("ignore")
    known: dict[str, Found] = json.loads(FILE.read_text()) if FILE.exists() else {}
    known |= {name: {what: float(value) for what, value in PEERS[name]().items()} for name in names}
    FILE.write_text(json.dumps({name: known[name] for name in PEERS if name in known}, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
