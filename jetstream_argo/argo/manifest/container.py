"""Sets up a pod of the workflow: its command, environment, limits and retries."""

from hera.workflows import Artifact, Container, NoneArchiveStrategy
from hera.workflows import models as m

from jetstream_argo.argo.manifest.deployment import APP, Deployment
from jetstream_argo.argo.pod import RESULT, TERMINATION_LOG

TMP = "tmp"
NODE = "node"
_NO_TOKEN = "no-token"
_TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
RETRIES = 3
_MOST_MEMORY = 2**RETRIES
_DEADLINE = 86_400  # seconds of an attempt: no query of BigQuery takes so long, and what it finished is kept

_RESULT_FILE = "/tmp/result.txt"  # the pod's own, and its only writable folder
PAGE_FILE = "/tmp/page.html"

# 75 is ours (worth retrying); 137 and 143 are SIGKILL and SIGTERM, which is how memory, preemption and eviction end a
# process. Everything else is permanent: the same definition fails the same way.
RETRY_EXPRESSION = (
    "lastRetry.status == 'Error' || asInt(lastRetry.exitCode) in [75, 137, 143] || "
    "lastRetry.message matches 'OOMKilled|pod deleted|Evicted|imminent node shutdown'"
)


def retry_strategy() -> m.RetryStrategy:
    """Return when and how often a pod is tried again.

    Argo waits out the first wait before it looks at the expression, also where that says never: so it is short, and
    grows fast. `cap` bounds the wait. `maxDuration` would count from the first attempt's start, so that a pod
    which ran for longer would never be tried again.
    """
    return m.RetryStrategy(
        limit=str(RETRIES),
        retry_policy="Always",
        expression=RETRY_EXPRESSION,
        backoff=m.Backoff(duration="5s", factor="6", cap="10m"),
    )


def retry_without_word() -> m.RetryStrategy:
    """Return when a pod is tried again whose last word matters: where it was taken away without one.

    A node that is not tried again because of its policy keeps the message of its attempt; with an expression, it says
    that the expression is false.
    """
    return m.RetryStrategy(limit=str(RETRIES), retry_policy="OnError")


def growing_memory(mib: int) -> str:
    """Return the patch that gives an attempt twice the memory of the one before; `retries` is known here only."""
    memory = f'"{{{{= min({mib * _MOST_MEMORY}, {mib} * (2 ** asInt(retries))) }}}}Mi"'
    resources = f'{{"requests":{{"memory":{memory}}},"limits":{{"memory":{memory}}}}}'
    return f'{{"containers":[{{"name":"main","resources":{resources}}}]}}'


def worker(
    name: str,
    environment: dict[str, str],
    deployment: Deployment,
    *,
    node: str,
    lock: m.Synchronization | None,
    page: bool = False,
) -> Container:
    """Return the template called `name`, whose pods run `node`, which may be an expression, while they hold `lock`.

    With `page` they leave the result page to Argo.
    """
    takes_node = node.startswith("{{inputs.")
    memory = f"{deployment.memory_mib}Mi"
    return Container(
        name=name,
        inputs=[m.Parameter(name=NODE)] if takes_node else None,
        outputs=[result_line(), page_artifact()] if page else [result_line()],
        image=deployment.image,
        # Named, for else the controller would ask the image's registry what its command is.
        command=[APP],
        args=["task", "--node", node],
        env=[m.EnvVar(name=key, value=value) for key, value in environment.items()] or None,
        resources=m.ResourceRequirements(requests={"cpu": "100m", "memory": memory}, limits={"memory": memory}),
        security_context=container_security(),
        volume_mounts=[
            m.VolumeMount(name=TMP, mount_path="/tmp"),  # the pod's own
            # Kubernetes gives its token to each container that has nothing there: to Argo's sidecar, and not to ours.
            m.VolumeMount(name=_NO_TOKEN, mount_path=_TOKEN_FOLDER, read_only=True),
        ],
        termination_message_policy="FallbackToLogsOnError",
        retry_strategy=retry_strategy(),
        pod_spec_patch=growing_memory(deployment.memory_mib),
        synchronization=lock,
        # Here and not on the Workflow, whose deadline would run out while it waits for its locks: an attempt's time
        # begins with its pod, and what waits has none.
        active_deadline_seconds=_DEADLINE,
    )


def result_line() -> m.Parameter:
    """Return the line in which a pod says how its work ended, as an output of its node."""
    return m.Parameter(name="result", value_from=m.ValueFrom(path=_RESULT_FILE, default=""))


def page_artifact() -> Artifact:
    """Return the result page as Argo shows it, as it shows all HTML: without scripts and the network.

    Its key is the repository's own and the name of the file, which must end in `.html` for that. A page that is not
    there fails nothing.
    """
    return Artifact(name="page", path=PAGE_FILE, archive=NoneArchiveStrategy(), optional=True)


def reporting() -> list[m.EnvVar]:
    """Return the variables that tell a pod where Argo listens, and how long to wait before it is tried again."""
    return [
        m.EnvVar(name=TERMINATION_LOG, value="/dev/termination-log"),
        m.EnvVar(name=RESULT, value=_RESULT_FILE),
        m.EnvVar(name="JETSTREAM_PAUSE", value="30"),  # seconds
        m.EnvVar(name="JETSTREAM_LOG", value="json"),
    ]


def patience() -> list[m.EnvVar]:
    """Return the variables that give Google's client time to find the metadata server of a node that has just started.

    By default it asks 3 times for 3 seconds:
    https://github.com/googleapis/google-auth-library-python/blob/main/google/auth/compute_engine/_metadata.py
    """
    return [
        m.EnvVar(name="GCE_METADATA_TIMEOUT", value="10"),
        m.EnvVar(name="GCE_METADATA_DETECT_RETRIES", value="6"),
    ]


def pod_security() -> m.PodSecurityContext:
    """Return what holds for every container of a pod, Argo's included."""
    return m.PodSecurityContext(
        run_as_non_root=True,
        run_as_user=10001,
        run_as_group=10001,
        fs_group=10001,
        seccomp_profile=m.SeccompProfile(type="RuntimeDefault"),
    )


def container_security() -> m.SecurityContext:
    """Return what holds for the container that runs our code."""
    return m.SecurityContext(
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        capabilities=m.Capabilities(drop=["ALL"]),
    )


def executor(deployment: Deployment) -> m.ExecutorConfig | None:
    """Return what Argo's sidecar reports with; None for the pod's own account."""
    account = deployment.executor_account
    return m.ExecutorConfig(service_account_name=account) if account else None


def volumes() -> list[m.Volume]:
    """Return the only folder that a pod can write to, and a second one that stays empty."""
    empty = m.EmptyDirVolumeSource(size_limit="1Mi")
    return [scratch(), m.Volume(name=_NO_TOKEN, empty_dir=empty)]


def scratch() -> m.Volume:
    """Return the only folder that a pod can write to."""
    return m.Volume(name=TMP, empty_dir=m.EmptyDirVolumeSource(size_limit="1Gi"))
