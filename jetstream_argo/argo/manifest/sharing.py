"""The stage of the daily planner that reads sources once for all live experiments, before their Workflows are made."""

from hera.workflows import DAG, Container, Parameter
from hera.workflows import models as m

from jetstream_argo.argo.manifest import container
from jetstream_argo.argo.manifest.deployment import APP, Deployment

SHARE_FIRST = "share-first"  # the template that is the Workflow's entrypoint where the stage is switched on
_COMMAND = "shared-scan"
_PLAN, _READ = "plan-shared-scans", "read-for-all"
_FILE = "/tmp/scans.json"  # the pod's own
_SCANS = "scans"
_SCAN = "scan"
# Of each of the two, with the time that a pod waits for a machine: so much later at most are experiments submitted.
_LONGEST = "30m"
# However a scan ends, or if there is none, experiments go on: what it did not read they read.
_AFTERWARDS = " || ".join(f"{_READ}.{ended}" for ended in ("Succeeded", "Failed", "Errored", "Skipped", "Omitted"))


def stage(deployment: Deployment, *, settings: m.EnvFromSource, then: str) -> list[DAG | Container]:
    """Return the graph `SHARE_FIRST`, which does the template `then` in the end, and the templates that come before."""
    graph = DAG(
        name=SHARE_FIRST,
        fail_fast=False,
        tasks=[
            m.DAGTask(name=_PLAN, template=_PLAN),
            m.DAGTask(
                name=_READ,
                template=_READ,
                depends=f"{_PLAN}.Succeeded",
                with_param=f"{{{{tasks.{_PLAN}.outputs.parameters.{_SCANS}}}}}",
                arguments=m.Arguments(parameters=[m.Parameter(name=_SCAN, value="{{item}}")]),
            ),
            m.DAGTask(name=then, template=then, depends=_AFTERWARDS),
        ],
    )
    return [graph, _planning(deployment, settings), _reading(deployment, settings)]


def _planning(deployment: Deployment, settings: m.EnvFromSource) -> Container:
    """Return the step that finds units and decides what is read for which experiments, those that the planner plans."""
    arguments = [_COMMAND, "--jobs=2", "--date", "{{workflow.scheduledTime}}", "--leave-to", _FILE]
    built = _container(_PLAN, arguments, deployment, settings, memory="2Gi")
    built.outputs = [Parameter(name=_SCANS, value_from=m.ValueFrom(path=_FILE, default="[]"))]
    return built


def _reading(deployment: Deployment, settings: m.EnvFromSource) -> Container:
    """Return what reads one source."""
    arguments = [_COMMAND, "--scan", f"{{{{inputs.parameters.{_SCAN}}}}}"]
    built = _container(_READ, arguments, deployment, settings, memory=f"{deployment.memory_mib}Mi")
    built.inputs = [Parameter(name=_SCAN)]
    return built


def _container(
    name: str, arguments: list[str], deployment: Deployment, settings: m.EnvFromSource, *, memory: str
) -> Container:
    """Return a template whose pods use the warehouse as workers do, are ended in time, and are not tried again.

    The planner's next look finds what is still missing.
    """
    return Container(
        name=name,
        image=deployment.image,
        command=[APP],
        args=arguments,
        env_from=[settings],
        env=[*container.reporting(), *container.patience()],
        resources=m.ResourceRequirements(requests={"cpu": "250m", "memory": memory}, limits={"memory": memory}),
        security_context=container.container_security(),
        volume_mounts=[m.VolumeMount(name=container.TMP, mount_path="/tmp")],  # the pod's own
        termination_message_policy="FallbackToLogsOnError",
        service_account_name=deployment.service_account,
        timeout=_LONGEST,
    )
