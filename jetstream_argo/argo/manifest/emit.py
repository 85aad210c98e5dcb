"""Makes the Workflow that Argo is given for a plan."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hera.workflows import Container, Parameter, Workflow
from hera.workflows import models as m

from jetstream_argo.argo.manifest import container, graphs, locks, metrics, names, target, titles, transport
from jetstream_argo.argo.manifest.deployment import APP, Deployment
from jetstream_argo.argo.manifest.documents import Document, size, to_yaml
from jetstream_argo.argo.manifest.graphs import ENTRYPOINT, EXPERIMENT, PUBLISH
from jetstream_argo.argo.manifest.layout import WorkflowLayout, layout
from jetstream_argo.argo.manifest.plan_storage import FOLDER, PlanStorage, possible_storages
from jetstream_argo.dag.build import LAST, build_dag, filtered
from jetstream_argo.errors import NotRunnable, PlanError
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan

# Argo refuses a Workflow whose specification and status have more than 1 MiB together.
LARGEST = 300 * 1024
_PLAN_VOLUME = "plan"
_DAY = 86_400  # seconds


@dataclass(frozen=True, slots=True)
class Emitted:
    """A Workflow and what carries its plan."""

    workflow: Document
    storage: PlanStorage

    @property
    def documents(self) -> tuple[Document, ...]:
        """The objects to create, in this order."""
        return (self.storage.config_map, self.workflow) if self.storage.config_map else (self.workflow,)


@dataclass(frozen=True, slots=True)
class _Identity:
    """What tells this workflow from others. With `once`, it has a name that can be taken once only."""

    name: str
    sha256: str
    metrics: tuple[str, ...]
    once: bool


def workflow(plan: AnalysisPlan, deployment: Deployment, *, metrics: Collection[str] = ()) -> str:
    """Return the manifest of the plan's Workflow as YAML, which can be submitted as often as wanted.

    Raises:
        see `emit`.
    """
    return manifest(emit(plan, deployment, metrics=metrics, once=False))


def manifest(emitted: Emitted) -> str:
    """Return what was emitted as YAML, with a word on its use."""
    return to_yaml(
        emitted.documents,
        comment=(
            "Submit all of it, or some metrics and what they need:\n"
            "  argo submit FILE [-p metrics=METRIC,METRIC]\n"
            "Run it on this machine:\n"
            "  jetstream-argo run --manifest FILE [-p metrics=METRIC,METRIC] [--warehouse embedded:FOLDER]"
        ),
    )


def emit(
    plan: AnalysisPlan,
    deployment: Deployment,
    *,
    metrics: Collection[str] = (),
    once: bool = True,
    attempt: int = 1,
) -> Emitted:
    """Return the objects that compute `plan`, limited to `metrics` unless that is empty.

    With `once`, the Workflow has the one name that belongs to plan, metrics and `attempt`, so that it cannot be created
    twice.

    Raises:
        NotRunnable: no window is due.
        UnknownReference: the plan has no metric of that name.
        PlanError: it does not fit in what Argo can hold.
    """
    dag = build_dag(plan)
    if not dag.nodes:
        raise NotRunnable(f"{plan.experiment.slug}: nothing is due as of {plan.as_of}")
    filtered(dag, metrics)
    sha256 = codec.sha256(plan)
    identity = _Identity(names.workflow_name(plan, sha256, metrics, attempt=attempt), sha256, tuple(metrics), once)
    laid = layout(dag)
    names.refuse_unusable([*laid.titles.values(), PUBLISH])
    names.refuse_one_id(identity.name, [EXPERIMENT, *(f"{EXPERIMENT}.{name}" for name in laid.names()), names.ON_EXIT])
    written = 0
    for storage in possible_storages(plan, deployment):
        document = _document(plan, laid, deployment, storage, identity)
        written = size(document)
        if written <= LARGEST:
            return Emitted(document, storage)
    raise PlanError(
        f"{plan.experiment.slug}: its Workflow has {written} bytes, {LARGEST} are allowed; "
        f"analyse fewer metrics or periods, or split them over two configurations"
    )


def _document(
    plan: AnalysisPlan, laid: WorkflowLayout, deployment: Deployment, storage: PlanStorage, identity: _Identity
) -> dict[str, object]:
    found = names.labels(plan, identity.sha256)
    built = Workflow(
        name=identity.name if identity.once else None,
        generate_name=None if identity.once else names.name_prefix(plan),
        namespace=deployment.namespace or None,
        labels=found,
        annotations=_annotations(plan, laid, identity),
        arguments=_parameters(plan, laid, deployment, identity),
        entrypoint=ENTRYPOINT,
        on_exit=PUBLISH,
        service_account_name=deployment.service_account,
        automount_service_account_token=False if deployment.executor_account else None,
        executor=container.executor(deployment),
        security_context=container.pod_security(),
        pod_metadata=m.Metadata(labels=found, annotations=dict(deployment.annotations) or None),
        parallelism=deployment.parallelism,
        # The pods of failures stay, with their logs, as long as the workflow.
        pod_gc=m.PodGC(strategy="OnPodSuccess", delete_delay_duration="600s"),
        ttl_strategy=m.TTLStrategy(seconds_after_success=7 * _DAY, seconds_after_completion=30 * _DAY),
        volumes=_volumes(storage),
        pod_spec_patch=deployment.pods or None,
        template_defaults=_defaults(deployment, storage, identity),
        templates=[*graphs.graphs(plan, laid, deployment), *_workers(plan, laid, deployment, storage)],
    )
    document: dict[str, object] = built.to_dict()
    _name_nodes(document, {ENTRYPOINT: titles.whole(plan), PUBLISH: titles.exit_handler(PUBLISH)})
    return document


def _name_nodes(document: dict[str, object], shown: Mapping[str, str]) -> None:
    """Say what the nodes of templates are called; hera writes a template's annotations on pods only."""
    spec = document["spec"]
    assert isinstance(spec, dict)  # every Workflow's is
    for template in spec["templates"]:
        if template["name"] in shown:
            template["annotations"] = {titles.DISPLAY_NAME: shown[template["name"]]}


def _annotations(plan: AnalysisPlan, laid: WorkflowLayout, identity: _Identity) -> dict[str, str]:
    due = ", ".join(
        f"{len(due_period.windows)} {due_period.period}" for due_period in plan.periods if due_period.windows
    )
    chosen = f" Metrics: {', '.join(identity.metrics)}." if identity.metrics else ""
    return {
        # Argo's list shows some 15 letters of it, as plain text.
        "workflows.argoproj.io/title": f"{plan.as_of} {names.label(plan.experiment.slug)}",
        "workflows.argoproj.io/description": f"{laid.pods} nodes; windows that are due: {due}.{chosen}",
        f"{APP}/plan-sha256": identity.sha256,
    }


def _parameters(
    plan: AnalysisPlan, laid: WorkflowLayout, deployment: Deployment, identity: _Identity
) -> list[Parameter]:
    targets = laid.targets()
    known = ", ".join(metric.name.replace("{{", "{ {") for metric in plan.metrics if metric.name in targets)
    return [
        Parameter(
            name=target.METRICS,
            value=",".join(identity.metrics),
            description=f"metrics to compute, separated by commas; all where empty. There are: {known}",
        ),
        Parameter(name="warehouse", value=deployment.warehouse, description="URL of the warehouse"),
        Parameter(
            name="export-to",
            value=deployment.export_to,
            description="folder for JSON files, gs://BUCKET; none if empty",
        ),
    ]


def _volumes(storage: PlanStorage) -> list[m.Volume]:
    volumes = container.volumes()
    if name := storage.config_map_name:
        volumes.append(m.Volume(name=_PLAN_VOLUME, config_map=m.ConfigMapVolumeSource(name=name)))
    return volumes


def _defaults(deployment: Deployment, storage: PlanStorage, identity: _Identity) -> m.Template:
    """Return what Argo merges into every container's template: the environment, and so the plan, once."""
    environment = {
        storage.variable: storage.value,
        transport.PLAN_SHA256: identity.sha256,
        "JETSTREAM_WAREHOUSE": "{{workflow.parameters.warehouse}}",
        "JETSTREAM_METRICS": "{{workflow.parameters.metrics}}",
    }
    variables = [m.EnvVar(name=name, value=value) for name, value in environment.items()]
    return m.Template(
        container=m.Container(image=deployment.image, env=[*variables, *container.reporting(), *container.patience()])
    )


def _workers(plan: AnalysisPlan, laid: WorkflowLayout, deployment: Deployment, storage: PlanStorage) -> list[Container]:
    used = dict.fromkeys(graphs.template_of(node.task) for node in laid.nodes)
    given_node = f"{{{{inputs.parameters.{container.NODE}}}}}"
    query = locks.query(deployment)
    workers = [container.worker(name, {}, deployment, node=given_node, lock=query) for name in used]
    ended = {"JETSTREAM_EXPORT": "{{workflow.parameters.export-to}}", "JETSTREAM_GRAPH_FAILED": graphs.HAS_FAILED}
    # It runs when the graph has given the turn back, and takes it again, before Workflows that were created later.
    turn = locks.turn(plan.experiment.slug)
    shows = deployment.page_artifact
    ended |= {"JETSTREAM_PAGE": container.PAGE_FILE} if shows else {}
    ended |= {"JETSTREAM_NOTIFY": deployment.notify} if deployment.notify else {}
    last = container.worker(PUBLISH, ended, deployment, node=LAST, lock=turn, page=shows)
    last.retry_strategy = container.retry_without_word()
    workers.append(last)
    for worker in workers:
        counted = metrics.of_nodes(plan, str(worker.name))
        whole = [metrics.of_experiment(plan)] if worker is last else []
        worker.metrics = m.Metrics(prometheus=[*counted, *whole])
    if storage.config_map:
        for worker in workers:
            mount = m.VolumeMount(name=_PLAN_VOLUME, mount_path=FOLDER, read_only=True)
            worker.volume_mounts = [*(worker.volume_mounts or []), mount]
    return workers
