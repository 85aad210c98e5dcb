"""Compares two branches' means or ratios by further methods on the same sums, for those who ask for them.

None of these is computed unless it is asked for. All differences are branch minus reference, in the metric's unit.
"""

from dataclasses import dataclass
from math import exp, inf, log, pi, sqrt

from scipy.special import ndtr, ndtri, stdtr, stdtrit

from jetstream_argo.errors import EstimateError
from jetstream_argo.stats.draft import Interval
from jetstream_argo.stats.moments import CANCELLED, JointMoments, Moments, varies

NEEDED = 2  # units a branch


@dataclass(frozen=True, slots=True)
class Contrast:
    """A difference, its standard error, and the degrees of freedom of its t law (infinite: the normal law)."""

    point: float
    error: float
    dof: float = inf

    @property
    def p_value(self) -> float:
        """The two-sided probability, without a difference, of a point at least as far from 0."""
        return 2 * float(stdtr(self.dof, -abs(self.point) / self.error))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided interval."""
        half = float(stdtrit(self.dof, (1 + confidence) / 2)) * self.error
        return self.point - half, self.point + half

    def always_valid_interval(self, confidence: float, *, n: int, tuned_for: int = 5000) -> tuple[float, float]:
        """Return the interval that covers at all times together, so that one may look every day and stop at will.

        `n` is the number of units of both branches so far; at `tuned_for` of them the sequence is at its narrowest
        against the interval of a fixed time. It is asymptotic, and holds from some hundreds of units on.

        Source:
            Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2021), arXiv:2103.06476, theorem 2.2 and appendix B.2;
            mixtures: Robbins (1970), Ann. Math. Stat. 41:1397.
        """
        alpha = 1 - confidence
        rho_squared = _mixture(alpha, tuned_for)
        spread = n * rho_squared + 1
        half = self.error * sqrt(n) * sqrt(2 * spread * log(sqrt(spread) / alpha) / (n * n * rho_squared))
        return self.point - half, self.point + half

    def always_valid_p_value(self, confidence: float, *, n: int, tuned_for: int = 5000) -> float:
        """Return the level at which the always-valid interval, mixed as for `confidence`, just reaches 0.

        Without a difference it falls below a level at any time with at most that probability.

        Source:
            Johari, Koomen, Pekelis, Walsh (2022), Oper. Res. 70:1806: the inverse of the mixture likelihood ratio.
        """
        weight = n * _mixture(1 - confidence, tuned_for)
        z = self.point / self.error
        return min(1.0, sqrt(weight + 1) * exp(-0.5 * z * z * weight / (weight + 1)))

    def described(self, confidence: float) -> Interval:
        """Return the point with its interval, and all that is known about how it compares with 0."""
        return Interval(
            self.point,
            *self.interval(confidence),
            p_value=self.p_value,
            std_error=self.error,
            chance_to_win=self.chance_to_win,
            expected_loss=self.expected_loss,
        )

    @property
    def chance_to_win(self) -> float:
        """The probability that the difference is positive, after a flat prior."""
        return float(ndtr(self.point / self.error))

    @property
    def expected_loss(self) -> float:
        """How much choosing the branch over the reference loses on average, after a flat prior.

        Source:
            Stucchio (2015), Bayesian A/B testing at VWO; the mean of the negative part of a normal law.
        """
        z = self.point / self.error
        density = exp(-0.5 * z * z) / sqrt(2 * pi)
        return max(self.error * density - self.point * float(ndtr(-z)), 0.0)


def _mixture(alpha: float, tuned_for: int) -> float:
    return (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / tuned_for


def welch(reference: Moments, branch: Moments) -> Contrast:
    """Return the difference of means without assuming equal variances.

    Its standard error is also that of the regression on the branch with HC2 errors.

    Raises:
        EstimateError: a branch has fewer than two units, or neither varies.

    Source:
        Welch (1947), Biometrika 34:28; HC2: MacKinnon and White (1985), J. Econometrics 29:305.
    """
    return _from_variances(
        branch.mean - reference.mean,
        (_variance_of_mean(reference), reference.n - 1),
        (_variance_of_mean(branch), branch.n - 1),
    )


def between(first: Contrast, second: Contrast) -> Contrast:
    """Return by how much the first of two independent differences is larger: do branches differ alike in both?

    Raises:
        EstimateError: neither has an error.
    """
    variances = [(side.error * side.error, side.dof) for side in (second, first)]
    return _from_variances(first.point - second.point, *variances)


def cuped(reference: JointMoments, branch: JointMoments) -> Contrast:
    """Return the difference of means after each value was reduced by what its covariate predicts.

    The slope is one for both branches, of their units taken together; variances are not assumed equal. A covariate
    that does not vary predicts nothing.

    Raises:
        EstimateError: a branch has fewer than two units, or neither varies.

    Source:
        Deng, Xu, Kohavi, Walker (2013), WSDM.
    """
    return welch(*reduced(reference, branch))


def reduced(reference: JointMoments, branch: JointMoments) -> tuple[Moments, Moments]:
    """Return the moments of two branches' values less what the covariate predicts, as `cuped` compares them."""
    both = reference + branch
    slope = both.c_xy / both.m2_x if both.x.varies else 0.0
    return less_predicted(reference, slope, both.mean_x), less_predicted(branch, slope, both.mean_x)


def regression_adjusted(reference: JointMoments, branch: JointMoments) -> Contrast:
    """Return the difference of the branches' regression lines at the mean covariate of both.

    Each branch has its own slope, so that adjusting never costs precision in large samples.

    Raises:
        EstimateError: a branch has fewer than three units, or a covariate that does not vary.

    Source:
        Lin (2013), Ann. Appl. Stat. 7:295.
    """
    at = (reference + branch).mean_x
    sides = []
    for side in (reference, branch):
        slope = _own_slope(side)
        residual = max(side.m2_y - slope * side.c_xy, 0.0) / (side.n - 2)
        sides.append((residual * (1 / side.n + (at - side.mean_x) ** 2 / side.m2_x), side.n - 2))
    level_r, level_b = levels(reference, branch)
    return _from_variances(level_b - level_r, *sides)


def levels(reference: JointMoments, branch: JointMoments) -> tuple[float, float]:
    """Return the means that `regression_adjusted` compares: each branch's line at the mean covariate of both.

    Raises:
        EstimateError: a branch has fewer than three units, or a covariate that does not vary.
    """
    at = (reference + branch).mean_x
    level_r, level_b = (side.mean_y + _own_slope(side) * (at - side.mean_x) for side in (reference, branch))
    return level_r, level_b


def _own_slope(moments: JointMoments) -> float:
    if moments.n <= NEEDED or not moments.x.varies:
        raise EstimateError("too_few_units", "needs three units a branch, and a covariate that varies")
    return moments.c_xy / moments.m2_x


def ratio_of_means(reference: JointMoments, branch: JointMoments) -> Contrast:
    """Return the difference of the ratios of the value's mean to the other column's mean (delta method).

    Raises:
        EstimateError: a branch has fewer than two units, a denominator of 0, or nothing varies.

    Source:
        Deng, Knoblich, Lu (2018), KDD, arXiv:1803.06336.
    """
    (point_r, variance_r), (point_b, variance_b) = (_ratio(side) for side in (reference, branch))
    return _from_variances(point_b - point_r, (variance_r, reference.n - 1), (variance_b, branch.n - 1))


def relative_ratio_of_means(reference: JointMoments, branch: JointMoments) -> Contrast:
    """Return the relative difference of the ratios that `ratio_of_means` compares (delta method, normal law).

    Raises:
        EstimateError: a branch has fewer than two units, a denominator is 0, or the reference's ratio is.
    """
    (ratio_r, variance_r), (ratio_b, variance_b) = (_ratio(side) for side in (reference, branch))
    if ratio_r == 0:
        raise EstimateError("zero_reference", "a share of 0 has no size; use the difference")
    uplift = ratio_b / ratio_r
    return Contrast(uplift - 1, sqrt(variance_b + uplift * uplift * variance_r) / abs(ratio_r))


def ratio_alone(moments: JointMoments) -> Contrast:
    """Return a branch's ratio of means, with the t law of its units.

    Raises:
        EstimateError: the branch has fewer than two units, or a denominator of 0.
    """
    point, variance = _ratio(moments)
    return Contrast(point, sqrt(variance), moments.n - 1)


def relative(reference: Moments, branch: Moments) -> Contrast:
    """Return the relative difference of means, `branch / reference - 1` (delta method, normal law).

    Raises:
        EstimateError: a branch has fewer than two units, or the reference's mean is 0.
    """
    if reference.mean == 0:
        raise EstimateError("zero_reference", "a share of 0 has no size; use the difference")
    ratio = branch.mean / reference.mean
    variance = _variance_of_mean(branch) + ratio * ratio * _variance_of_mean(reference)
    return Contrast(ratio - 1, sqrt(variance) / abs(reference.mean))


def minimum_detectable_effect(
    moments: Moments, *, units: tuple[float, float], confidence: float = 0.95, power: float = 0.8
) -> float:
    """Return the smallest difference that so many units a branch find with this probability, in the metric's unit.

    `moments` are of a like metric, before the experiment or of its reference branch.

    Source:
        Two-sided z test with equal variances; the chance to find an effect of the wrong sign is left out.
    """
    quantiles = float(ndtri((1 + confidence) / 2)) + float(ndtri(power))
    return quantiles * sqrt(moments.variance * (1 / units[0] + 1 / units[1]))


def less_predicted(moments: JointMoments, slope: float, at: float) -> Moments:
    """Return the moments of a branch's values less `slope` times the distance of their covariates from `at`."""
    m2 = moments.m2_y - 2 * slope * moments.c_xy + slope * slope * moments.m2_x
    return Moments(moments.n, moments.mean_y - slope * (moments.mean_x - at), max(m2, 0.0))


def _ratio(moments: JointMoments) -> tuple[float, float]:
    if moments.n < NEEDED or moments.mean_x == 0:
        raise EstimateError("zero_denominator", "needs two units a branch, and a denominator that is not 0")
    ratio = moments.mean_y / moments.mean_x
    m2 = moments.m2_y - 2 * ratio * moments.c_xy + ratio * ratio * moments.m2_x
    differs = m2 > CANCELLED * (moments.m2_y + ratio * ratio * moments.m2_x) and varies(
        m2, moments.n, abs(moments.mean_y)
    )
    return ratio, (m2 if differs else 0.0) / (moments.n - 1) / moments.n / moments.mean_x**2


def _variance_of_mean(moments: Moments) -> float:
    if moments.n < NEEDED:
        raise EstimateError("too_few_units", f"needs two units a branch, has {moments.n}")
    return moments.variance / moments.n


def _from_variances(point: float, reference: tuple[float, float], branch: tuple[float, float]) -> Contrast:
    """The difference of two independent means with these variances and degrees of freedom (Satterthwaite 1946)."""
    (variance_r, dof_r), (variance_b, dof_b) = reference, branch
    variance = variance_r + variance_b
    if variance <= 0:
        raise EstimateError("no_variation", "neither branch varies, so that the difference has no error")
    # By shares: the squares of small variances fit no float.
    share = variance_r / variance
    return Contrast(point, sqrt(variance), 1 / (share * share / dof_r + (1 - share) ** 2 / dof_b))
