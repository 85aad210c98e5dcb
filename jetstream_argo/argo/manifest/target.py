"""The nodes that Argo is told to run for a choice of metrics.

Argo evaluates the expressions when the Workflow is submitted, and creates the targets, what they wait for, and nothing
else. The tables stand in the expressions themselves: as parameters they could be edited when a Workflow is submitted or
retried.
"""

import json
from collections.abc import Mapping, Sequence

METRICS = "metrics"

_CHOSEN = f"workflow.parameters.{METRICS}"
_NAMES = f"split({_CHOSEN}, ',')"


def of_graph(targets: Mapping[str, Sequence[str]]) -> str:
    """Return the target of the whole graph: the tasks of the chosen metrics by this table, all where none is chosen.

    A metric that is not in the table becomes a target that does not exist, which Argo refuses.
    """
    tasks = f"map({_NAMES}, {{ {_table(targets)}[trim(#)] ?? ('unknown-metric-' + trim(#)) }})"
    return f"{{{{= trim({_CHOSEN}) == '' ? '' : {_united(tasks)} }}}}"


def of_group(targets: Mapping[str, Sequence[str]]) -> str:
    """Return the target of a graph within the graph, which knows some of the metrics only.

    Argo takes an empty target for all of them, and checks it where the group is not run at all; so the first one stands
    for none.
    """
    tasks = f"filter(map({_NAMES}, {{ {_table(targets)}[trim(#)] ?? '' }}), {{# != ''}})"
    first = next(iter(targets.values()))[0]
    # Two closing braces would end the expression.
    return f"{{{{= trim({_CHOSEN}) == '' ? '' : filter([{_united(tasks)}, '{first}'], {{# != ''}})[0] }}}}"


def _united(tasks: str) -> str:
    """Return the expression for the names in a list of texts, which may have several, without repetitions."""
    return f"join(uniq(split(join({tasks}, ' '), ' ')), ' ')"


def _table(targets: Mapping[str, Sequence[str]]) -> str:
    """Return the expression for a table from metrics to tasks, which no metric's name can end or escape."""
    text = json.dumps({metric: " ".join(tasks) for metric, tasks in targets.items()}, separators=(",", ":"))
    inner = text[1:-1].replace("{", "\\u007b").replace("}", "\\u007d").replace("'", "\\u0027")
    quoted = inner.replace("\\", "\\\\")
    return f"fromJSON('{{{quoted}}}')"
