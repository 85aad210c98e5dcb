"""Names nodes: readable, valid in Argo, and different for different things."""

import hashlib
import re
from collections.abc import Iterable, Mapping

# Argo makes pod names and labels of node names; 63 is Kubernetes' limit for a label's value.
LONGEST = 60


def readable(*parts: str) -> str:
    """Return `parts` as lower-case words joined by `-`.

    >>> readable("stats", "week", "Active_Hours")
    'stats-week-active-hours'
    """
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


def unique_names(wanted: Iterable[tuple[str, ...]]) -> Mapping[tuple[str, ...], str]:
    """Return a name for each tuple of words: the readable one, with a hash where two would be called the same.

    The name of a tuple does not depend on the order of the others.
    """
    keys = list(dict.fromkeys(wanted))
    plain = {key: readable(*key) for key in keys}
    uses = [plain[key] for key in keys]
    return {
        key: _hashed(key, name) if uses.count(name) > 1 or len(name) > LONGEST else name for key, name in plain.items()
    }


def _hashed(key: tuple[str, ...], name: str) -> str:
    tail = hashlib.sha256("\0".join(key).encode()).hexdigest()[:8]
    return f"{name[: LONGEST - len(tail) - 1].rstrip('-')}-{tail}"
