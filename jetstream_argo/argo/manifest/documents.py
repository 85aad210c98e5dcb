"""Writes and reads Kubernetes objects as YAML."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

import yaml

from jetstream_argo.errors import ConfigError, Problem

Document: TypeAlias = Mapping[str, object]

# Text that no reader of YAML, 1.1 or 1.2, takes for anything else: what begins with a letter and is none of the words
# below. Numbers, dates and times of any notation begin with something else.
_SAFE = re.compile(r"(?:[A-Za-z]|/[A-Za-z]|--[A-Za-z])[^\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]*")
_WORDS = frozenset("y n yes no on off true false null nil none nan inf infinity".split())
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


def documents_in(value: object) -> list[Document]:
    """Return the objects of a list within an answer of Kubernetes; none where it has no such list."""
    return value if isinstance(value, list) else []


def to_yaml(documents: Iterable[Document], *, comment: str = "") -> str:
    """Return the documents as YAML: equal documents give equal bytes, and every reader reads equal text."""
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    parts = (
        yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
        for document in documents
    )
    return head + "---\n".join(parts)


def from_yaml(text: str, *, where: str) -> Iterator[Document]:
    """Yield the objects in a file of YAML or JSON.

    Raises:
        ConfigError: it is neither, or holds something else.
    """
    try:
        documents = [document for document in yaml.load_all(text, Loader=_Loader) if document is not None]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        what = "brackets in brackets, too deep to read" if isinstance(error, RecursionError) else error
        raise ConfigError(where, [Problem("", f"is not YAML: {what}")]) from error
    for document in documents:
        if not isinstance(document, dict) or "kind" not in document:
            raise ConfigError(where, [Problem("", "holds something that is no Kubernetes object: it has no `kind`")])
        yield document


def size(document: Document) -> int:
    """Return how many bytes Kubernetes stores."""
    return len(json.dumps(document, separators=(",", ":")).encode())


class _Dumper(yaml.SafeDumper):
    """Quotes whatever some reader takes for a number, a truth value, a date or nothing."""

    def ignore_aliases(self, data: object) -> bool:
        """Write what occurs twice twice."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if _CONTROL.search(text):
        style: str | None = '"'
    elif _SAFE.fullmatch(text) and text.lower() not in _WORDS:
        style = None
    else:
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style)


_Dumper.add_representer(str, _text)
_Dumper.add_multi_representer(str, _text)


class _Loader(yaml.SafeLoader):
    """Reads no aliases, with which a small file can stand for a document of any size."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose as usual, unless there is an alias."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it out
            raise yaml.composer.ComposerError(None, None, f"alias *{event.anchor} is not read here", event.start_mark)
        return super().compose_node(parent, index)
