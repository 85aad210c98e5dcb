"""How Kubernetes objects are written down."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

import yaml

from jetstream_argo.errors import ConfigError, Problem

Document: TypeAlias = Mapping[str, object]


def to_yaml(documents: Iterable[Document], *, comment: str = "") -> str:
    """Return the documents as YAML: equal documents give equal bytes."""
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    parts = (yaml.safe_dump(dict(each), sort_keys=False, allow_unicode=True, width=110) for each in documents)
    return head + "---\n".join(parts)


def from_yaml(text: str, *, where: str) -> Iterator[Document]:
    """Yield the objects in a file of YAML or JSON.

    Raises:
        ConfigError: it is neither, or holds something else.
    """
    try:
        documents = [each for each in yaml.safe_load_all(text) if each is not None]
    except yaml.YAMLError as error:
        raise ConfigError(where, [Problem("", f"is not YAML: {error}")]) from error
    for each in documents:
        if not isinstance(each, dict) or "kind" not in each:
            raise ConfigError(where, [Problem("", "holds something that is no Kubernetes object: it has no `kind`")])
        yield each


def size(document: Document) -> int:
    """Return how many bytes Kubernetes stores."""
    return len(json.dumps(document, separators=(",", ":")).encode())
