"""How property tests run: a machine's speed fails none, and the same commit is tried with the same examples.

`pytest --hypothesis-profile=explore` draws new examples each time, and more of them.
"""

from hypothesis import HealthCheck, settings

settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", parent=settings.get_profile("same"), derandomize=False, max_examples=1000)
settings.load_profile("same")
