"""The nodes that Argo is told to run for a choice of metrics."""

from jetstream_argo.config.written import canonical
from jetstream_argo.dag.build import gives_results, is_target
from jetstream_argo.dag.model import Dag

METRICS = "metrics"
TARGETS = "metric-targets"

# Argo evaluates it when the workflow is submitted. It creates the targets and what they wait for, and nothing else; a
# metric that is not in the table becomes a target that does not exist, which Argo refuses. Two closing braces would
# end the expression, hence the space before the last but one.
EXPRESSION = (
    "{{= trim(workflow.parameters.metrics) == '' ? '' : "
    "join(uniq(split(join(map(split(workflow.parameters.metrics, ','), "
    "{ fromJSON(workflow.parameters['metric-targets'])[trim(#)] ?? ('unknown-metric-' + trim(#)) }"
    "), ' '), ' ')), ' ') }}"
)


def metric_targets(dag: Dag) -> str:
    """Return, as a JSON object, the nodes whose results each metric's readers want, their names parted by spaces."""
    metrics = dict.fromkeys(metric for node in dag.nodes if gives_results(node) for metric in node.metrics)
    targets = {metric: [node.id for node in dag.nodes if is_target(node, metric)] for metric in metrics}
    return canonical({metric: " ".join(nodes) for metric, nodes in targets.items()})
