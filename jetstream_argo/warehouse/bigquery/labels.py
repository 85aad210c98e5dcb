"""Turns a label into one that BigQuery accepts."""

import re
from collections.abc import Mapping
from hashlib import sha256

# https://cloud.google.com/bigquery/docs/labels-intro#requirements
LONGEST = 63
MOST = 64

_FORBIDDEN = re.compile(r"[^\w-]")


def sanitised(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels in lower case, in the allowed characters and lengths, and no more of them than allowed.

    A text that is too long keeps its beginning and ends in a hash of the whole, so that two long names stay two.

    >>> sanitised({"Period": "Week 1", "2x": "é"})
    {'period': 'week_1', 'l_2x': 'é'}
    """
    allowed: dict[str, str] = {}
    for key, value in labels.items():
        name = _shortened(_FORBIDDEN.sub("_", key.lower()))
        if not name[:1].isalpha():
            name = _shortened(f"l_{name}")
        allowed[name] = _shortened(_FORBIDDEN.sub("_", value.lower()))
    return dict(list(allowed.items())[:MOST])


def _shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    digest = sha256(text.encode()).hexdigest()[:8]
    return f"{text[: LONGEST - 9]}-{digest}"
