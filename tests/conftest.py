"""What holds for all tests.

A machine's speed fails no property test, and the same commit is tried with the same examples; `pytest
--hypothesis-profile=explore` draws new examples each time, and more of them. A command that a test runs in this process
leaves its level of logging to no other test. Syntax trees and engines are made of objects that refer to one another:
Python looks for those that nobody uses any more every 10,000 new ones, not every 700, and never among what is loaded.
"""

import gc
import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", parent=settings.get_profile("same"), derandomize=False, max_examples=1000)
settings.load_profile("same")


def pytest_collection_finish() -> None:
    """Look less often for objects that nobody uses any more, which was a tenth of the time of all tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


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
