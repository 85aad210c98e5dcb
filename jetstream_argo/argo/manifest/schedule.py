"""The objects that start Workflows: every day for all live experiments, and on demand for one."""

from hera.workflows import Container, CronWorkflow, Parameter, Workflow, WorkflowTemplate
from hera.workflows import models as m

from jetstream_argo.argo.manifest import container
from jetstream_argo.argo.manifest.deployment import APP, Deployment
from jetstream_argo.argo.manifest.documents import Document
from jetstream_argo.argo.manifest.sharing import stage

SETTINGS = "jetstream-settings"  # the ConfigMap of variables for the planner
PLANNER = "jetstream-planner"  # the account that may create Workflows
_LABELS = {"app.kubernetes.io/name": APP}
_HOUR = 3600  # seconds


def cron_workflow(deployment: Deployment, *, schedule: str = "0 5-20 * * *") -> Document:
    """Return the CronWorkflow that plans and submits all live experiments, by default every hour from 05:00 UTC.

    It plans for the day before the time that the schedule says, however late it starts. What is there already is left
    alone; at the last look, 20 hours after the day's end, what is still waited for is a failure.
    """
    built = CronWorkflow(
        name="jetstream-daily",
        namespace=deployment.namespace or None,
        labels=_LABELS,
        annotations={
            "workflows.argoproj.io/title": "Every day's experiments",
            "workflows.argoproj.io/description": "Creates the Workflows of all live experiments; times are UTC.",
        },
        schedules=[schedule],
        timezone="UTC",
        concurrency_policy="Forbid",
        # A missed run is made up within four hours; by default it would be lost.
        starting_deadline_seconds=4 * _HOUR,
        # Those of two days.
        successful_jobs_history_limit=32,
        failed_jobs_history_limit=32,
        entrypoint="submit-due",
        templates=[
            _planner("submit-due", ["submit-due", "--jobs=2", "--date", "{{workflow.scheduledTime}}"], deployment),
            # What the overlays' settings may name as the entrypoint instead.
            *stage(deployment, settings=_settings(), then="submit-due"),
        ],
    )
    return _finished(built, deployment)


def workflow_template(deployment: Deployment) -> Document:
    """Return the WorkflowTemplate that plans and submits one experiment."""
    arguments = ["submit", "--as-of={{workflow.parameters.date}}", "--metrics={{workflow.parameters.metrics}}"]
    built = WorkflowTemplate(
        name="jetstream-analyse",
        namespace=deployment.namespace or None,
        labels=_LABELS,
        annotations={
            "workflows.argoproj.io/title": "Analyse an experiment",
            "workflows.argoproj.io/description": "Plans it and creates its Workflow; what is done already is skipped.",
        },
        arguments=[
            Parameter(name="experiment", description="slug, as Experimenter knows it"),
            Parameter(name="date", value="", description="the last day of telemetry, 2026-05-31; yesterday if empty"),
            Parameter(name="metrics", value="", description="metrics to compute, separated by commas; all where empty"),
        ],
        entrypoint="submit",
        # What follows `--` is no option, whatever it begins with.
        templates=[_planner("submit", [*arguments, "--", "{{workflow.parameters.experiment}}"], deployment)],
    )
    return _finished(built, deployment)


def _finished(built: Workflow, deployment: Deployment) -> Document:
    """Return what was built, with what both kinds have in common."""
    built.service_account_name = PLANNER
    built.executor = container.executor(deployment)
    built.security_context = container.pod_security()
    built.pod_metadata = m.Metadata(labels=_LABELS, annotations=dict(deployment.annotations) or None)
    built.active_deadline_seconds = 2 * _HOUR
    built.pod_gc = m.PodGC(strategy="OnPodSuccess", delete_delay_duration="600s")
    built.ttl_strategy = m.TTLStrategy(seconds_after_completion=14 * 24 * _HOUR)
    built.volumes = [container.scratch()]
    # Kustomize puts the settings' patch here.
    built.pod_spec_patch = deployment.pods or "{}"
    document: Document = built.to_dict()
    return document


def _settings() -> m.EnvFromSource:
    return m.EnvFromSource(config_map_ref=m.ConfigMapEnvSource(name=SETTINGS))


def _planner(name: str, arguments: list[str], deployment: Deployment) -> Container:
    return Container(
        name=name,
        image=deployment.image,
        command=[APP],
        args=arguments,
        outputs=[container.result_line()],
        env_from=[_settings()],
        env=[*container.reporting(), *container.patience()],
        # Two processes that plan one experiment each, and what holds the others.
        resources=m.ResourceRequirements(requests={"cpu": "250m", "memory": "2Gi"}, limits={"memory": "2Gi"}),
        security_context=container.container_security(),
        volume_mounts=[m.VolumeMount(name=container.TMP, mount_path="/tmp")],  # the pod's own
        termination_message_policy="FallbackToLogsOnError",
        # What it says is the Workflow's message so. What fails for a passing reason is planned at the next look, too.
        retry_strategy=container.retry_without_word(),
    )
