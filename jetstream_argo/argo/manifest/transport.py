"""Takes a plan to the pods, which can tell that they got the right one."""

import base64
import binascii
import gzip
import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path

from jetstream_argo.errors import ConfigError, PlanError
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.storage.files import read_file

PLAN = "JETSTREAM_PLAN"
PLAN_FILE = "JETSTREAM_PLAN_FILE"
PLAN_URL = "JETSTREAM_PLAN_URL"
PLAN_SHA256 = "JETSTREAM_PLAN_SHA256"

# An environment variable holds at most 128 KiB on Linux, and Argo writes the whole template into another one.
LARGEST_TEXT = 64 * 1024
LARGEST_PLAN = 64 * 1024 * 1024  # bytes, unpacked; that of the largest real configuration has one
_EITHER_HEADER = 47  # zlib's wbits for 'a zlib or a gzip header, whichever is there'


def pack(plan: AnalysisPlan) -> str:
    """Return the plan as one line of letters, for an environment variable."""
    return base64.b64encode(zlib.compress(codec.dump(plan), 9)).decode()


def unpack(text: str, sha256: str, *, where: str = PLAN) -> AnalysisPlan:
    """Return the plan that `pack` wrote, if it is the one of that name.

    Raises:
        PlanError: the text is cut or changed, or holds another plan.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PlanError(f"{where}: is not base64: {error}; submit the workflow again") from error
    return read(data, sha256, where=where)


def compressed(plan: AnalysisPlan) -> bytes:
    """Return the plan as a gzip file, the same bytes each time, for a ConfigMap or an object store."""
    return gzip.compress(codec.dump(plan), 9, mtime=0)


def read(data: bytes, sha256: str, *, where: str) -> AnalysisPlan:
    """Return the plan in `data`, canonical JSON that may be compressed, if it is the one named `sha256`.

    Raises:
        PlanError: the data is cut or changed, or holds another plan.
    """
    text = data if data.startswith(b"{") else _decompressed(data, where)
    found = hashlib.sha256(text).hexdigest()
    if found != sha256:
        raise PlanError(
            f"{where}: holds plan {found}, and the workflow asks for {sha256 or 'none'}; "
            f"submit the workflow again, so that all its pods work from one plan"
        )
    return codec.load(text, where=where)


def from_environment(environment: Mapping[str, str]) -> AnalysisPlan | None:
    """Return the plan that the variables of a pod lead to; None if they name none.

    Raises:
        PlanError: what they lead to cannot be read, or is another plan than JETSTREAM_PLAN_SHA256 says.
    """
    sha256 = environment.get(PLAN_SHA256, "")
    if text := environment.get(PLAN):
        return unpack(text, sha256)
    if file := environment.get(PLAN_FILE):
        return read(_file(Path(file)), sha256, where=file)
    if url := environment.get(PLAN_URL):
        from jetstream_argo.storage import objects  # loads urllib3

        return read(objects.get(url), sha256, where=url)
    return None


def _file(path: Path) -> bytes:
    try:
        return read_file(path)
    except ConfigError as error:
        raise PlanError(f"{path}: {error.problems[0].what}; is the plan's ConfigMap still there?") from error


def _decompressed(data: bytes, where: str) -> bytes:
    reader = zlib.decompressobj(_EITHER_HEADER)
    try:
        text = reader.decompress(data, LARGEST_PLAN + 1)
    except zlib.error as error:
        raise PlanError(f"{where}: is not a compressed plan: {error}; submit the workflow again") from error
    if len(text) > LARGEST_PLAN:
        raise PlanError(f"{where}: has more than {LARGEST_PLAN:,} bytes when it is unpacked, which is no plan of ours")
    if not reader.eof:
        raise PlanError(f"{where}: is cut after {len(data)} bytes; submit the workflow again")
    return text
