from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from jetstream_argo.argo.cluster.client import KubernetesCluster
from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.config.statistics import Statistic
from jetstream_argo.plan.model import SCHEMA_VERSION, AnalysisPlan, Metric, MetricStatistics, PeriodWindows
from jetstream_argo.plan.population import Enrollments
from jetstream_argo.plan.sources import Composed, Partial, PlannedRead, Source
from jetstream_argo.plan.sources import Merge as PartialMerge
from jetstream_argo.plan.windows import AnalysisWindow, Timeline
from jetstream_argo.stats.methods.count import Count
from tests.argo.fake_kubernetes import FakeKubernetes
from tests.worlds.report import running

MakePlan = Callable[..., AnalysisPlan]


@pytest.fixture
def make_plan() -> MakePlan:
    """Return a maker of plans in which each metric is a sum over its source, with a mean in every period."""
    return _plan


def _plan(
    sources: Mapping[str, Sequence[str]],
    *,
    periods: Sequence[Period] = (Period.DAY, Period.WEEK),
    slug: str = "new-tab",
    as_of: date = date(2026, 11, 23),
    description: str = "",
) -> AnalysisPlan:
    metrics = tuple(_metric(name, source, periods, description) for source, names in sources.items() for name in names)
    return AnalysisPlan(
        schema_version=SCHEMA_VERSION,
        experiment=running(slug, Timeline(date(2026, 11, 1), 7, date(2026, 12, 1))),
        as_of=as_of,
        dataset="analysis",
        enrollments=Enrollments("e_1", "normandy", "SELECT 1", None, (), ()),
        signal=None,
        bases=(Basis.ENROLLMENTS,),
        periods=tuple(PeriodWindows(period, (AnalysisWindow(1, 0, 0),)) for period in periods),
        sources=tuple(_source(name, names) for name, names in sources.items()),
        metrics=metrics,
        statistics=tuple(
            MetricStatistics(period, metric.name, f"s_{period}_{metric.name}", (Statistic("count", "{}", Count()),))
            for period in periods
            for metric in metrics
        ),
    )


def _column(name: str) -> str:
    return "p_" + sha256(name.encode()).hexdigest()[:8]


def _source(name: str, metrics: Sequence[str]) -> Source:
    columns = tuple(_column(metric) for metric in metrics)
    partials = tuple(Partial(column, "SUM(ds.x)", PartialMerge.SUM) for column in columns)
    read = PlannedRead(date(2026, 11, 1), date(2026, 11, 23), columns, before_enrollment=False)
    return Source(name, f"telemetry.{name}", "client_id", "submission_date", None, partials, (read,))


def _metric(name: str, source: str, periods: Sequence[Period], description: str) -> Metric:
    return Metric(
        name=name,
        source=source,
        select_expression="SUM(x)",
        computation=Composed((_column(name),), _column(name)),
        column="m_" + _column(name),
        depends_on=(),
        bases=(Basis.ENROLLMENTS,),
        periods=tuple(periods),
        friendly_name=name,
        description=description,
        bigger_is_better=True,
    )


@pytest.fixture
def server() -> Iterator[FakeKubernetes]:
    """A stand-in for the Kubernetes API."""
    with FakeKubernetes() as fake:
        yield fake


@pytest.fixture
def api(server: FakeKubernetes, tmp_path: Path) -> KubernetesCluster:
    """The cluster behind the stand-in."""
    return KubernetesCluster(kubeconfig=server.kubeconfig(tmp_path / "kubeconfig"))
