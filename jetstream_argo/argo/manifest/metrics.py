"""The metrics that Argo's controller keeps for Prometheus while it runs the emitted Workflows.

Labels are the experiment and what kind of node it was: so many series as there are experiments, times six.
"""

from datetime import UTC, datetime

from hera.workflows import models as m

from jetstream_argo.argo.manifest import names
from jetstream_argo.plan.model import AnalysisPlan

NODES = "jetstream_nodes_total"
SECONDS = "jetstream_node_seconds"
COMPLETE_UNTIL = "jetstream_complete_until_seconds"
_BUCKETS = (5.0, 30.0, 120.0, 600.0, 3600.0, 14400.0)


def of_nodes(plan: AnalysisPlan, kind: str) -> list[m.Prometheus]:
    """Return how many nodes of a kind ended, by phase, and how long they took, their attempts each for itself."""
    labels = _labels(plan, kind=kind)
    phase = m.MetricLabel(key="phase", value="{{status}}")
    return [
        m.Prometheus(
            name=NODES,
            help="Nodes of experiments' Workflows that ended",
            labels=[*labels, phase],
            counter=m.Counter(value="1"),
        ),
        m.Prometheus(
            name=SECONDS,
            help="Seconds that nodes of experiments' Workflows took",
            labels=labels,
            histogram=m.Histogram(buckets=[m.Amount(bound) for bound in _BUCKETS], value="{{duration}}"),
        ),
    ]


def of_experiment(plan: AnalysisPlan) -> m.Prometheus:
    """Return the last day whose results are complete, as the seconds since 1970 at its end: its age tells lateness."""
    end = datetime(plan.as_of.year, plan.as_of.month, plan.as_of.day, tzinfo=UTC).timestamp() + 86_400
    return m.Prometheus(
        name=COMPLETE_UNTIL,
        help="End of the last day of telemetry whose results are all published",
        labels=_labels(plan),
        when="{{status}} == Succeeded",
        gauge=m.Gauge(value=str(int(end)), realtime=False, operation="Set"),
    )


def _labels(plan: AnalysisPlan, **more: str) -> list[m.MetricLabel]:
    found = {"experiment": names.label(plan.experiment.slug), **more}
    return [m.MetricLabel(key=key, value=value) for key, value in found.items()]
