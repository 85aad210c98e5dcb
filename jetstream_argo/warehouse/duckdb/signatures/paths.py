"""Writes a JSON path of BigQuery's in DuckDB."""

import re

from jetstream_argo.errors import Unsupported

_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\.\"([^\"\\]+)\"|\[(\d+)\]|\['([^'\"\\]+)'\]")


def duckdb_path(path: str, *, legacy: bool) -> tuple[str, str]:
    """Return DuckDB's path for the same part of a document, and the last name in it, which may be none.

    `legacy` is how JSON_EXTRACT and its like write names.

    >>> duckdb_path("$.a['b c'][0]", legacy=True)
    ('$."a"."b c"[0]', 'b c')

    Raises:
        Unsupported: the path has something else than names and places.
    """
    if not path.startswith("$"):
        raise Unsupported(f"JSON path {path!r} does not begin with $")
    result, last, end = "$", "", 1
    while end < len(path):
        step = _STEP.match(path, end)
        if step is None or (step[2] if legacy else step[4]):
            raise Unsupported(f"JSON path {path!r} is not implemented by the embedded engine from {path[end:]!r} on")
        name = step[1] or step[2] or step[4]
        result += f'."{name}"' if name else f"[{step[3]}]"
        last = name or last
        end = step.end()
    return result, last
