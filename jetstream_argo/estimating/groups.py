"""Groups the statistics of a metric that one query can serve."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from jetstream_argo.config.statistics import Covariate, Statistic
from jetstream_argo.estimating.model import Stored
from jetstream_argo.plan.model import MetricStatistics
from jetstream_argo.stats.method import Method
from jetstream_argo.stats.needs import ClipRule, JointMomentsNeed, MomentsNeed, Need, RatioNeed
from jetstream_argo.stats.pretreatments import PreTreatment


@dataclass(frozen=True, slots=True)
class Plain:
    """The metric's values by themselves."""


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The metric's values together with a covariate."""

    covariate: Covariate


@dataclass(frozen=True, slots=True)
class Ratio:
    """The values of two other metrics together, each clipped by `clip`."""

    numerator: str
    denominator: str
    clip: ClipRule | None


Subject: TypeAlias = Plain | Adjusted | Ratio


@dataclass(frozen=True, slots=True)
class RequestedStatistic:
    """A statistic asked for, and what it needs; `note` says what cannot be done as asked, if anything."""

    name: str
    method: Method
    need: Need
    note: str = ""


@dataclass(frozen=True, slots=True)
class StatisticGroup:
    """Statistics of the same values, treated in the same way."""

    subject: Subject
    steps: tuple[PreTreatment, ...]
    asked: tuple[RequestedStatistic, ...]


def groups_of(wanted: MetricStatistics, stored: Stored) -> tuple[StatisticGroup, ...]:
    """Return the statistics of `wanted`, together where they share their values."""
    found: dict[tuple[Subject, tuple[PreTreatment, ...]], list[RequestedStatistic]] = {}
    for statistic in wanted.statistics:
        requested = _asked(statistic, stored)
        found.setdefault((_subject(requested.need, statistic.covariate), _treatments(statistic)), []).append(requested)
    return tuple(StatisticGroup(subject, steps, tuple(asked)) for (subject, steps), asked in found.items())


def _asked(statistic: Statistic, stored: Stored) -> RequestedStatistic:
    need = statistic.method.need()
    covariate = statistic.covariate
    if isinstance(need, JointMomentsNeed) and covariate is not None and stored.covariates.get(covariate) is None:
        note = f"{statistic.name} is unadjusted: {covariate.metric} has no values in {covariate.period}"
        return RequestedStatistic(statistic.name, statistic.method, MomentsNeed(need.clip), note)
    return RequestedStatistic(statistic.name, statistic.method, need)


def _treatments(statistic: Statistic) -> tuple[PreTreatment, ...]:
    return tuple(step.treatment for step in statistic.pre_treatments)


def _subject(need: Need, covariate: Covariate | None) -> Subject:
    if isinstance(need, RatioNeed):
        return Ratio(need.numerator, need.denominator, need.clip)
    if isinstance(need, JointMomentsNeed) and covariate is not None:
        return Adjusted(covariate)
    return Plain()


def statistics_by_name(groups: tuple[StatisticGroup, ...]) -> Iterator[tuple[RequestedStatistic, int]]:
    """Yield every statistic with the place of its group, by name."""
    pairs = [(requested, index) for index, group in enumerate(groups) for requested in group.asked]
    yield from sorted(pairs, key=lambda pair: pair[0].name)
