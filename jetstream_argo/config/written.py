"""Writes plain data so that equal data are equal text."""

import json


def canonical(value: object) -> str:
    """Return plain data (dicts, lists, strings, numbers) as JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
