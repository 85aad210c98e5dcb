"""What stands in a manifest where a text has `{{…}}`."""

import re
from collections.abc import Mapping

from jetstream_argo.errors import PlanError
from tests.argo.engine.expression import Scope, evaluate
from tests.argo.engine.functions import Value, shown

# The first two closing braces end a tag, whatever stands between: fasttemplate knows nothing of strings.
_TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def substituted(text: str, known: Mapping[str, str]) -> str:
    """Return `text` with its tags replaced: `{{name}}` by what is known by that name, `{{=expression}}` by its value.

    Raises:
        PlanError: nothing is known by that name.
    """

    def value(found: re.Match[str]) -> str:
        tag = found[1].strip()
        if tag.startswith("="):
            return shown(evaluate(tag[1:].strip(), scope(known)))
        if tag not in known:
            raise PlanError(f"{{{{{tag}}}}}: is not known here; known are {', '.join(sorted(known))}")
        return known[tag]

    return _TAG.sub(value, text)


def scope(known: Mapping[str, str]) -> Scope:
    """Return names such as `workflow.parameters.x` as nested tables; what follows the second dot is one name."""
    tables: dict[str, Value] = {}
    for name, value in known.items():
        table = tables
        *path, last = name.split(".", 2)
        for part in path:
            inner = table.setdefault(part, {})
            assert isinstance(inner, dict)  # no known name is the beginning of another
            table = inner
        table[last] = value
    return tables
