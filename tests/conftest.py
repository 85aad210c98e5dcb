"""What holds for all tests.

A machine's speed fails no property test, and the same commit is tried with the same examples; `pytest
--hypothesis-profile=explore` draws new examples each time, and more of them. A command that a test runs in this process
leaves its level of logging to no other test.
"""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", parent=settings.get_profile("same"), derandomize=False, max_examples=1000)
settings.load_profile("same")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what a command changes about logging."""
    package, root = logging.getLogger("jetstream_argo"), logging.getLogger()
    before = (package.level, root.level, list(root.handlers))
    package.setLevel(logging.NOTSET)
    yield
    package.setLevel(before[0])
    root.setLevel(before[1])
    root.handlers[:] = before[2]
