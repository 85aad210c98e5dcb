"""Names the nodes of a Workflow where people see them.

Argo's UI shows 28 characters of a name, and of a longer one the first 12, two dots and the last 13. A node with a retry
strategy is there twice, as `x` and as its attempt `x(0)`, and an attempt is always called after its task, whatever the
annotation `display-name` says (`executeTemplate` in operator.go of argo-workflows 4.0.5). So a task itself has the
short name, and the annotation is for the two nodes that have no task: the Workflow's first, and its exit handler.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping

from jetstream_argo.argo.manifest.names import ON_EXIT
from jetstream_argo.dag.names import readable
from jetstream_argo.plan.model import AnalysisPlan

DISPLAY_NAME = "workflows.argoproj.io/display-name"
SHOWN = 28  # characters of a name that the UI shows
LONGEST = SHOWN - len("(0)")
_SHORTEST_WORD = 2
_TAIL = 6  # letters of a hash


def distinct(wanted: Mapping[str, str]) -> Mapping[str, str]:
    """Return a short name for each key, as close to the wanted name as a task's name may be; no two are the same.

    What is long loses letters; where two would be the same, what had to change gets a hash.
    """
    fitted = {key: _fitted(text) for key, text in wanted.items()}
    uses = Counter(fitted.values())
    return {
        key: title if uses[title] == 1 or title == key else _with_hash(key, wanted[key])
        for key, title in fitted.items()
    }


def whole(plan: AnalysisPlan) -> str:
    """Return what the first node of the plan's Workflow is called: the experiment and its date."""
    tail = f".{plan.as_of}"
    return shortened(readable(plan.experiment.slug) or "experiment", SHOWN - len(tail)) + tail


def exit_handler(name: str) -> str:
    """Return what the exit handler's node is called; Argo knows it by the end of this name (`IsExitNode`)."""
    return f"{name}.{ON_EXIT}"


def as_shown(name: str) -> str:
    """Return what Argo's UI shows of a node's name.

    >>> as_shown("overall-spotlight-engagement-impressions")
    'overall-spot..t-impressions'
    """
    return name if len(name) <= SHOWN else f"{name[:12]}..{name[-13:]}"


def shortened(text: str, room: int) -> str:
    """Return `text`, words joined by `-`, in at most `room` letters: the longest words lose their last letters.

    Words with digits keep theirs, for they are numbers, versions and hashes.

    >>> shortened("overall-spotlight-engagement-impressions-v2", 28)
    'overal-spotli-engag-impre-v2'
    """
    words = text.split("-")
    spare = [_spare(word) for word in words]
    excess = len(text) - room
    if excess > sum(spare):
        return _cut(text, room)
    lost = [0] * len(words)
    for _ in range(excess):
        _, longest = max((letters, at) for at, letters in enumerate(spare))
        spare[longest] -= 1
        lost[longest] += 1
    return "-".join(word[: len(word) - letters] for word, letters in zip(words, lost, strict=True))


def _fitted(text: str) -> str:
    return text if len(text) <= LONGEST else shortened(re.sub(r"^(pre-)?days28-", r"\1d28-", text), LONGEST)


def _spare(word: str) -> int:
    """Return how many letters a word can lose."""
    return 0 if any(letter.isdigit() for letter in word) else max(0, len(word) - _SHORTEST_WORD)


def _with_hash(key: str, text: str) -> str:
    return f"{shortened(text, LONGEST - _TAIL - 1)}-{_hash(key)}"


def _cut(text: str, room: int) -> str:
    return f"{text[: room - _TAIL - 1].rstrip('-')}-{_hash(text)}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_TAIL]
