"""The examples in docstrings do what they show."""

import doctest
import importlib
from pathlib import Path

import pytest

import jetstream_argo

PACKAGE = Path(jetstream_argo.__file__).parent
WITH_EXAMPLES = [
    ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
    for file in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in file.read_text()
]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_a_module_give_what_they_show(module: str) -> None:
    done = doctest.testmod(importlib.import_module(module))

    assert done.attempted > 0
    assert done.failed == 0
