"""What the tables and views of an experiment are called."""

import hashlib
import re

from jetstream_argo.config.model import Basis, Period
from jetstream_argo.plan.model import AnalysisPlan

# The existing system's names of the views, which readers rely on.
SUFFIXES = {
    Period.PREENROLLMENT_WEEK: "preenrollment_weekly",
    Period.PREENROLLMENT_DAYS28: "preenrollment_days28",
    Period.DAY: "daily",
    Period.WEEK: "weekly",
    Period.DAYS28: "days28",
    Period.OVERALL: "overall",
}


def normalised(name: str) -> str:
    """Return `name` with everything but letters, digits and `_` replaced by `_`, as the existing system does."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)


def enrollments(plan: AnalysisPlan) -> str:
    """The table of enrolled units."""
    return f"{plan.dataset}.enrollments_{normalised(plan.experiment.slug)}"


def signals(plan: AnalysisPlan) -> str:
    """The table of exposure signals per unit and date."""
    return _internal(plan, "signals")


def partials(plan: AnalysisPlan, source: str) -> str:
    """The table of one source's daily partials."""
    return _internal(plan, "partials", source)


def values(plan: AnalysisPlan, basis: Basis, source: str, period: Period) -> str:
    """The table of metric values of one basis, source and period."""
    return _internal(plan, "values", basis, source, period)


def statistics(plan: AnalysisPlan) -> str:
    """The table of all estimates ever made."""
    return _internal(plan, "estimates")


def status(plan: AnalysisPlan) -> str:
    """The table of what was done."""
    return _internal(plan, "status")


def values_view(plan: AnalysisPlan, basis: Basis, period: Period) -> str:
    """The view of all metrics of one basis and period."""
    return f"{plan.dataset}.{normalised(plan.experiment.slug)}_{basis}_{SUFFIXES[period]}"


def statistics_view(plan: AnalysisPlan, period: Period) -> str:
    """The view of the latest estimates of one period."""
    return f"{plan.dataset}.statistics_{normalised(plan.experiment.slug)}_{SUFFIXES[period]}"


def _internal(plan: AnalysisPlan, kind: str, *parts: str) -> str:
    """Names of ours end in a hash, since normalised slugs and sources may be equal or run into one another."""
    words = (plan.experiment.slug, *parts)
    tail = hashlib.sha256("\0".join(words).encode()).hexdigest()[:8]
    readable = "_".join(normalised(word) for word in words)
    return f"{plan.dataset}.{kind}_{readable[:200]}_{tail}"
