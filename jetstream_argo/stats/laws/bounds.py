"""The bounds of the bootstrap's estimates, their differences and their ratios; many questions in one pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from typing import TypeAlias

import numpy as np
from scipy.special import ndtri

from jetstream_argo.stats.laws.continuous import REACH, Floats, Law, against_zero, difference_cdf, quantiles, ratio_cdf
from jetstream_argo.stats.laws.cumulants import ORDER, CumulantLaw, below_zero, probability_below
from jetstream_argo.stats.laws.dirichlet import DirichletLaw
from jetstream_argo.stats.laws.tabulate import Table
from jetstream_argo.stats.moments import HIGHEST_POWER, PowerSums

AnyLaw: TypeAlias = CumulantLaw | DirichletLaw

ENOUGH = 100  # units from which two more cumulants say how good the six are
NEAR_ZERO = 0.2  # a deviation over the mean, from which a law of positive values feels the end of its support
PRECISE = 1e-3  # standard deviations
TAILS: Floats = np.array([0.005, 0.025, 0.975, 0.995])
TABLE = 1e-8  # standard deviations: how good a tabulated law is
AS_CUMULANTS = 1e-9  # standard deviations; what cumulants leave out is more
K = np.arange(HIGHEST_POWER + 1)


@dataclass(frozen=True, slots=True)
class Question:
    """Bounds of what: of `law`, of `law - reference`, or of `law / reference`, which must then be positive."""

    law: Law
    reference: Law | None = None
    ratio: bool = False

    @property
    def mean(self) -> float:
        """About where the quantity is."""
        if self.reference is None:
            return self.law.mean
        return self.law.mean / self.reference.mean if self.ratio else self.law.mean - self.reference.mean

    @property
    def sd(self) -> float:
        """About how much it varies."""
        if self.reference is None:
            return self.law.sd
        if not self.ratio:
            return hypot(self.law.sd, self.reference.sd)
        return hypot(self.law.sd, self.mean * self.reference.sd) / self.reference.mean


def bounds(questions: Sequence[Question], tails: Floats) -> list[Floats]:
    """Return for each question the quantiles at `tails`; for a quantity that does not vary, its value."""
    found = {index: np.full(tails.shape, question.mean) for index, question in enumerate(questions) if question.sd == 0}
    together = [index for index, question in enumerate(questions) if index not in found and _by_cumulants(question)]
    if together:
        batch = _Batch.of([questions[index] for index in together])
        levels = np.broadcast_to(tails, (len(together), len(tails)))
        solved = quantiles(batch.cdf, levels, mean=batch.mean, sd=batch.sd, skewness=batch.skewness, close=AS_CUMULANTS)
        found.update(zip(together, solved, strict=True))
    for index, question in enumerate(questions):
        if index not in found:
            found[index] = _by_integration(question, tails)
    return [found[index] for index in range(len(questions))]


def wins(questions: Sequence[Question]) -> list[tuple[float, float]]:
    """Return for each difference that varies the probability of more than 0, and the expectation of what is below."""
    found: dict[int, tuple[float, float]] = {}
    # What one wins the other loses, so that each pair of laws is asked about once.
    asked = {(id(question.law), id(question.reference)): index for index, question in enumerate(questions)}
    mirrors = {
        index: mirror
        for index, question in enumerate(questions)
        if (mirror := asked.get((id(question.reference), id(question.law)), index)) < index
    }
    together = [index for index, question in enumerate(questions) if index not in mirrors and _by_cumulants(question)]
    if together:
        chances, losses = _Batch.of([questions[index] for index in together]).against_zero()
        pairs = zip(chances.tolist(), losses.tolist(), strict=True)
        found.update({index: (chance, loss) for index, (chance, loss) in zip(together, pairs, strict=True)})
    for index, question in enumerate(questions):
        if index in mirrors:
            chance, loss = found[mirrors[index]]
            found[index] = (1 - chance, max(loss - question.mean, 0.0))
        elif index not in found and question.reference is not None:
            cdf = difference_cdf(question.law, question.reference)
            chances, losses = against_zero(cdf, mean=np.array([[question.mean]]), sd=np.array([[question.sd]]))
            found[index] = (float(chances[0]), float(losses[0]))
    return [found[index] for index in range(len(questions))]


def precise(law: CumulantLaw, sums: PowerSums) -> bool:
    """Return whether six cumulants give bounds to a thousandth of a standard deviation, by what the next two change.

    The confidences asked about are those up to 99 %.
    """
    if law.sd == 0:
        return True
    one_sign = sums.minimum >= 0 or sums.maximum <= 0
    if sums.n < ENOUGH or (one_sign and law.sd > NEAR_ZERO * abs(law.mean)):
        return False
    normal = ndtri(TAILS)
    lower, higher = (probability_below(normal, law.shape, order=order) for order in (ORDER, HIGHEST_POWER))
    density = np.exp(-0.5 * normal * normal) / np.sqrt(2 * np.pi)
    return bool(np.all(np.abs(lower - higher) < PRECISE * density))


def _by_cumulants(question: Question) -> bool:
    return isinstance(question.law, CumulantLaw) and (
        question.reference is None or isinstance(question.reference, CumulantLaw)
    )


def _by_integration(question: Question, tails: Floats) -> Floats:
    law, reference = question.law, question.reference
    if reference is None:
        return Table.of(law.nodes).quantiles(tails)
    cdf = ratio_cdf(law, reference) if question.ratio else difference_cdf(law, reference)
    return quantiles(cdf, tails, mean=question.mean, sd=question.sd, close=TABLE)


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Questions as columns; `P(a - r b <= t)` answers all: r is 0, 1 or the unknown ratio, t the unknown or 0."""

    mean: Floats
    sd: Floats
    a: tuple[Floats, Floats, Floats]
    b: tuple[Floats, Floats, Floats]
    paired: Floats
    ratio: Floats

    @classmethod
    def of(cls, questions: Sequence[Question]) -> "_Batch":
        """Return the questions, all of cumulant laws, side by side."""
        laws = [question.law for question in questions]
        references = [question.reference or question.law for question in questions]
        return cls(
            mean=_column([question.mean for question in questions]),
            sd=_column([question.sd for question in questions]),
            a=_columns(laws),
            b=_columns(references),
            paired=_column([float(question.reference is not None) for question in questions]),
            ratio=_column([float(question.ratio) for question in questions]),
        )

    @property
    def skewness(self) -> Floats:
        """About how skew each quantity is."""
        (_, sd_a, shape_a), (_, sd_b, shape_b) = self.a, self.b
        r = np.where(self.ratio > 0, self.mean, self.paired)
        sd = np.hypot(sd_a, r * sd_b)
        return np.asarray((sd_a / sd) ** 3 * shape_a[..., 3] + (-r * sd_b / sd) ** 3 * shape_b[..., 3])

    def cdf(self, x: Floats) -> Floats:
        """Return each question's distribution function at its row of `x`."""
        (mean_a, sd_a, shape_a), (mean_b, sd_b, shape_b) = self.a, self.b
        r = np.where(self.ratio > 0, x, self.paired)
        t = np.where(self.ratio > 0, 0.0, x)
        sd = np.hypot(sd_a, r * sd_b)
        share_a, share_b = (sd_a / sd)[..., None] ** K, (-r * sd_b / sd)[..., None] ** K
        return probability_below((t - mean_a + r * mean_b) / sd, share_a * shape_a + share_b * shape_b)

    def against_zero(self) -> tuple[Floats, Floats]:
        """Return of each difference the probability of more than 0, and the expectation of what is below."""
        (mean_a, sd_a, shape_a), (mean_b, sd_b, shape_b) = self.a, self.b
        sd, mean = np.hypot(sd_a, sd_b), mean_a - mean_b
        share_a, share_b = (sd_a / sd)[..., None] ** K, (-sd_b / sd)[..., None] ** K
        # Farther out there is nothing on the other side of 0.
        away = np.clip(mean / sd, -REACH, REACH)
        probability, loss = (result[:, 0] for result in below_zero(away, share_a * shape_a + share_b * shape_b))
        far = np.abs(away[:, 0]) >= REACH
        surely = (mean[:, 0] < 0).astype(float)
        chance = 1 - np.where(far, surely, np.clip(probability, 0.0, 1.0))
        return chance, np.where(far, -surely * mean[:, 0], np.maximum(loss * sd[:, 0], 0.0))


def _columns(laws: Sequence[Law]) -> tuple[Floats, Floats, Floats]:
    shapes = [law.shape for law in laws if isinstance(law, CumulantLaw)]
    return _column([law.mean for law in laws]), _column([law.sd for law in laws]), np.array(shapes)[:, None, :]


def _column(values: Sequence[float]) -> Floats:
    return np.array(values)[:, None]
