"""What a person sees of a manifest that runs on this machine."""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from jetstream_argo.argo import transport
from jetstream_argo.argo.deployment import APP
from jetstream_argo.argo.here.graph import Phase
from jetstream_argo.argo.here.interpret import NodeRun, WorkflowRun, interpret
from jetstream_argo.argo.here.manifest import Manifest, read_manifest
from jetstream_argo.argo.here.pods import Here
from jetstream_argo.argo.here.state import remember, succeeded
from jetstream_argo.engines.connect import check
from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.terminal.text import say

_MARKS = {Phase.SUCCEEDED: ("✔", "green"), Phase.FAILED: ("✖", "red"), Phase.OMITTED: ("○", "yellow")}
_FROM_MANIFEST = (transport.PLAN, transport.PLAN_FILE, transport.PLAN_URL, "JETSTREAM_WAREHOUSE", "JETSTREAM_METRICS")
# What the image's entrypoint is, with this interpreter and this code.
_ENTRYPOINT = (sys.executable, "-c", "from jetstream_argo.cli.main import main; main()")


def run_manifest(
    file: Path, parameters: Mapping[str, str], *, jobs: int, state: Path | None, environment: Mapping[str, str]
) -> int:
    """Run a manifest here, print how each node ended, and return the exit code.

    Raises:
        ConfigError: the file is no manifest, or asks for what is not implemented here.
        PlanError: the manifest names a target that does not exist; nothing has run.
    """
    manifest = read_manifest(file)
    _check_warehouse(manifest, parameters)
    done = succeeded(state, file) if state else frozenset()
    with tempfile.TemporaryDirectory(prefix="jetstream-argo-") as folder:
        # Which plan and which warehouse is for the manifest to say.
        kept = {name: value for name, value in environment.items() if name not in _FROM_MANIFEST}
        here = Here(Path(folder), {APP: _ENTRYPOINT}, kept, jobs=jobs)
        run = interpret(manifest, parameters, here, watch=_tell, done=done)
    if state:
        remember(state, file, run, done)
    say(_summary(run))
    return run.exit_code


def _check_warehouse(manifest: Manifest, parameters: Mapping[str, str]) -> None:
    """Refuse a warehouse that no node could use, before the first of them."""
    own = {parameter.name: parameter.value for parameter in manifest.workflow.spec.arguments.parameters}
    warehouse = parameters.get("warehouse", own.get("warehouse"))
    if warehouse is not None:
        check(warehouse)


def parsed(given: tuple[str, ...]) -> dict[str, str]:
    """Return parameters that were given as `name=value`."""
    for each in given:
        if "=" not in each:
            raise ConfigError(f"-p {each}", [Problem("", "is not NAME=VALUE, such as metrics=active_hours")])
    return dict(each.split("=", 1) for each in given)


def _tell(node: NodeRun) -> None:
    if node.phase is Phase.RUNNING or node.was_done:
        return
    mark, color = _MARKS[node.phase]
    say(mark, color=color, end="", err=True)
    again = f", attempt {len(node.pod.attempts)}" if node.pod and len(node.pod.attempts) > 1 else ""
    say(f" {node.name} {node.seconds:.1f} s{again}  {node.message}", err=True)


def _summary(run: WorkflowRun) -> str:
    before = sum(node.was_done for node in run.nodes)
    counts = [f"{n} {phase.lower()}" for phase in Phase if (n := sum(node.phase is phase for node in run.nodes))]
    return f"{run.phase}: {len(run.nodes)} nodes: {', '.join(counts)}" + (
        f"; {before} of them before" if before else ""
    )
