"""What a person sees of a manifest that runs on this machine."""

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from jetstream_argo.argo.emulator.graph import Phase
from jetstream_argo.argo.emulator.interpret import NodeRun, WorkflowRun, interpret
from jetstream_argo.argo.emulator.manifest import Manifest, read_manifest
from jetstream_argo.argo.emulator.pods import Here
from jetstream_argo.argo.emulator.state import remember, succeeded
from jetstream_argo.argo.manifest import transport
from jetstream_argo.argo.manifest.deployment import APP
from jetstream_argo.errors import EXIT_DEFINITION, ConfigError, Problem
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.terminal.text import say
from jetstream_argo.warehouse.connect import check

_MARKS = {Phase.SUCCEEDED: ("✔", "green"), Phase.FAILED: ("✖", "red"), Phase.OMITTED: ("○", "yellow")}
_FROM_MANIFEST = (transport.PLAN, transport.PLAN_FILE, transport.PLAN_URL, "JETSTREAM_WAREHOUSE", "JETSTREAM_METRICS")
# What the image's entrypoint is, with this interpreter and this code.
_ENTRYPOINT = (sys.executable, "-c", "from jetstream_argo.cli.main import main; main()")


def run_manifest(
    file: Path,
    parameters: Mapping[str, str],
    *,
    jobs: int,
    state: Path | None,
    environment: Mapping[str, str],
    hopeless: Callable[[AnalysisPlan, str, str], bool],
) -> int:
    """Run a manifest here, print how each node ended, and return the exit code.

    `hopeless` says whether nothing of a plan can be computed in a warehouse, of the metrics that are asked for; then
    nothing is run.

    Raises:
        ConfigError: the file is no manifest, or asks for what is not implemented here.
        PlanError: the manifest names a target that does not exist; nothing has run.
    """
    manifest = read_manifest(file)
    given = {**_arguments(manifest), **parameters}
    plan, warehouse = _plan_of(manifest, given), given.get("warehouse")
    if warehouse is not None:
        check(warehouse)  # refused before the first node, which could not use it
        if plan is not None and hopeless(plan, warehouse, given.get("metrics", "")):
            return EXIT_DEFINITION
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


def _arguments(manifest: Manifest) -> dict[str, str]:
    return {parameter.name: parameter.value for parameter in manifest.workflow.spec.arguments.parameters}


def _plan_of(manifest: Manifest, given: Mapping[str, str]) -> AnalysisPlan | None:
    """Return the plan that a manifest brings along, in a parameter or a ConfigMap; None if it is elsewhere."""
    containers = [template.container for template in manifest.workflow.spec.templates if template.container]
    variables = {variable.name: variable.value for container in containers for variable in container.env}
    sha256 = variables.get(transport.PLAN_SHA256, "")
    if transport.PLAN in variables and (text := given.get("plan")):
        return transport.unpack(text, sha256)
    if transport.PLAN_FILE in variables:
        name = Path(variables[transport.PLAN_FILE]).name
        for config_map in manifest.config_maps:
            if data := config_map.binary_data.get(name):
                return transport.unpack(data, sha256, where=config_map.metadata.name)
    return None


def parsed(given: tuple[str, ...]) -> dict[str, str]:
    """Return parameters that were given as `name=value`."""
    for parameter in given:
        if "=" not in parameter:
            raise ConfigError(f"-p {parameter}", [Problem("", "is not NAME=VALUE, such as metrics=active_hours")])
    return dict(parameter.split("=", 1) for parameter in given)


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
