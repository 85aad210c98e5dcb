"""Puts a Workflow into a cluster, once, or into a folder."""

from dataclasses import dataclass
from pathlib import Path

from jetstream_argo.argo.cluster.client import Cluster
from jetstream_argo.argo.manifest.emit import Emitted, manifest
from jetstream_argo.storage.files import is_file, write_file
from jetstream_argo.storage.objects import keep


@dataclass(frozen=True, slots=True)
class Submitted:
    """A Workflow that is in the cluster now; `is_new` unless one of that name, thus of that plan, was there.

    `waits` has a line for each source that it leaves out for now.
    """

    name: str
    is_new: bool
    waits: tuple[str, ...] = ()


def submit(emitted: Emitted, cluster: Cluster) -> Submitted:
    """Create a Workflow that was emitted with `once`, and before it what carries its plan.

    Raises:
        EngineError: the cluster or the object store refuses or does not answer. Submitting again is safe.
    """
    storage = emitted.storage
    if storage.url:
        keep(storage.url, storage.data)
    if storage.config_map:
        cluster.create(storage.config_map)
    name = _name(emitted)
    is_new = cluster.create(emitted.workflow)
    if storage.config_map:
        cluster.own(storage.config_map_name, cluster.workflow(name))
    return Submitted(name, is_new)


def write(emitted: Emitted, folder: Path) -> Submitted:
    """Write the manifest of a Workflow that was emitted with `once` into a folder, instead of creating it.

    Raises:
        ConfigError: the file cannot be written.
        EngineError: the object store refuses or does not answer.
    """
    if emitted.storage.url:
        keep(emitted.storage.url, emitted.storage.data)
    name = _name(emitted)
    file = folder / f"{name}.yaml"
    is_new = not is_file(file)
    write_file(file, manifest(emitted))
    return Submitted(name, is_new)


def _name(emitted: Emitted) -> str:
    metadata = emitted.workflow["metadata"]
    assert isinstance(metadata, dict)  # every object has it
    return str(metadata["name"])
