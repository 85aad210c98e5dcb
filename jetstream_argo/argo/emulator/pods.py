"""How a pod of a manifest runs on this machine: its command as a process, its folders as folders."""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jetstream_argo.argo.emulator.manifest import Container, Manifest, Template, Workflow
from jetstream_argo.argo.emulator.processes import Processes
from jetstream_argo.argo.emulator.retries import Attempt, last_retry, tries_again, wait_seconds
from jetstream_argo.argo.emulator.substitution import substituted
from jetstream_argo.errors import PlanError

_TERMINATION_LOG = "/dev/termination-log"
_TAIL = 2000  # letters of the log that stand for a message where the pod left none
_CONFIG_MAPS = "config-maps"


@dataclass(frozen=True, slots=True)
class Here:
    """What stands for the cluster.

    Attributes:
        folder: where pods have their files and logs; every run wants one of its own.
        executables: the command lines that stand for commands of the image.
        environment: variables that each process has besides those of the manifest.
        jobs: the most processes at a time.
        pace: the share of the manifest's pauses between attempts that is waited for.
    """

    folder: Path
    executables: Mapping[str, tuple[str, ...]]
    environment: Mapping[str, str]
    jobs: int = 2
    pace: float = 1.0


@dataclass(frozen=True, slots=True)
class PodRun:
    """All attempts of a pod, the last of which counts, and what it handed out."""

    attempts: tuple[Attempt, ...]
    outputs: Mapping[str, str] = field(default_factory=dict)


def lay_out(manifest: Manifest, here: Here) -> None:
    """Write the ConfigMaps that came with a manifest to where pods see them."""
    for config_map in manifest.config_maps:
        folder = here.folder / _CONFIG_MAPS / config_map.metadata.name
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in config_map.binary_data.items():
            (folder / name).write_bytes(base64.b64decode(data))


def run_pod(
    workflow: Workflow, template: Template, known: Mapping[str, str], *, name: str, here: Here, processes: Processes
) -> PodRun:
    """Return what a pod of `template` came to; `known` are the values for the manifest's tags."""
    attempts: list[Attempt] = []
    while True:
        paths = _paths(workflow, _container(template), here, here.folder / name / str(len(attempts)))
        facts = {**known, "retries": str(len(attempts)), **last_retry(attempts)}
        attempts.append(_attempt(template, facts, paths, here, processes))
        if not tries_again(template.retry_strategy, attempts):
            break
        assert template.retry_strategy is not None  # without one nothing is tried again
        if not processes.pause(here.pace * wait_seconds(template.retry_strategy, len(attempts))):
            break
    files = {parameter.name: parameter.value_from for parameter in template.outputs.parameters}
    outputs = {name: _read(Path(paths.local(file.path)), file.default) for name, file in files.items()}
    return PodRun(tuple(attempts), outputs)


@dataclass(frozen=True, slots=True)
class _Paths:
    """An attempt's folder, and the folders here that stand for those of the pod."""

    folder: Path
    mounts: tuple[tuple[str, Path], ...]

    def local(self, text: str) -> str:
        """Return the path here that stands for one in the pod; any other text as it is."""
        for path, local in self.mounts:
            if text == path or text.startswith(path.rstrip("/") + "/"):
                return str(local) + text[len(path) :]
        return text


def _container(template: Template) -> Container:
    assert template.container is not None  # the manifest's model says so of all that is run as a pod
    return template.container


def _paths(workflow: Workflow, container: Container, here: Here, folder: Path) -> _Paths:
    volumes = {volume.name: volume for volume in workflow.spec.volumes}
    mounts = [(_TERMINATION_LOG, folder / "termination-log")]
    for mount in container.volume_mounts:
        if mount.name not in volumes:
            raise PlanError(f"volume {mount.name!r} is mounted at {mount.mount_path}, and does not exist")
        source = volumes[mount.name].config_map
        local = here.folder / _CONFIG_MAPS / source.name if source else folder / mount.name
        if source is None:
            local.mkdir(parents=True, exist_ok=True)
        elif not local.exists():
            raise PlanError(f"ConfigMap {source.name!r} is not in the manifest; put it into the same file")
        mounts.append((mount.mount_path, local))
    folder.mkdir(parents=True, exist_ok=True)
    return _Paths(folder, tuple(mounts))


def _attempt(template: Template, facts: Mapping[str, str], paths: _Paths, here: Here, processes: Processes) -> Attempt:
    container = _container(template)
    words = [substituted(word, facts) for word in (*container.command, *container.args)]
    command = [*here.executables.get(words[0], (words[0],)), *words[1:]]
    variables = {variable.name: paths.local(substituted(variable.value, facts)) for variable in container.env}
    log = paths.folder / "log"
    since = time.monotonic()
    code = processes.run(command, {**here.environment, **variables}, log)
    reason = _read(Path(paths.local(_TERMINATION_LOG)), "").strip()
    message = f"Error (exit code {code}): {reason or _read(log, '').strip()[-_TAIL:]}" if code else reason
    return Attempt(code, time.monotonic() - since, message, _memory(template, facts))


def _memory(template: Template, facts: Mapping[str, str]) -> str:
    """Return the memory that the patch of the pod allows this attempt."""
    if not template.pod_spec_patch:
        return ""
    patch = json.loads(substituted(template.pod_spec_patch, facts))
    return str(patch["containers"][0]["resources"]["limits"]["memory"])


def _read(file: Path, default: str) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else default
