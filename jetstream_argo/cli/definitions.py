"""Definitions that are published as an archive, for commands that plan many experiments."""

import os
from pathlib import Path
from typing import Any


def with_archive(options: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """Return the planning options, with the archive of definitions that the environment names as the first of them."""
    url = os.environ.get("JETSTREAM_DEFINITIONS_ARCHIVE")
    if not url:
        return options
    from jetstream_argo.argo.due.archive import unpack_archive

    return {**options, "definitions": (unpack_archive(url, scratch), *options["definitions"])}
