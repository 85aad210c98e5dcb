"""What is remembered of a run on this machine, so that the next one goes on where it failed."""

import hashlib
import json
from pathlib import Path

from jetstream_argo.argo.emulator.graph import Phase
from jetstream_argo.argo.emulator.interpret import WorkflowRun
from jetstream_argo.storage.files import make_folder, write_file


def succeeded(file: Path, manifest: Path) -> frozenset[str]:
    """Return the nodes that succeeded when this manifest ran before; none if another one did."""
    try:
        remembered = json.loads(file.read_text(encoding="utf-8"))
        names = frozenset(remembered["succeeded"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return frozenset()  # a state that cannot be read costs a second look at what is done, and nothing else
    return names if remembered.get("manifest") == _name(manifest) else frozenset()


def remember(file: Path, manifest: Path, run: WorkflowRun, before: frozenset[str]) -> None:
    """Write down which nodes have succeeded, in this run or before."""
    names = {node.name for node in run.nodes if node.phase is Phase.SUCCEEDED} | before
    make_folder(file.parent)
    write_file(file, json.dumps({"manifest": _name(manifest), "succeeded": sorted(names)}))


def _name(manifest: Path) -> str:
    return hashlib.sha256(manifest.read_bytes()).hexdigest()
