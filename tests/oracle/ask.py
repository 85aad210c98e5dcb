"""How Jetstream is asked, in another process, under the Python that the environment variable names."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.oracle.configurations import HUB, Launch
from tests.oracle.world import ESTIMATED

PYTHON = os.environ.get("JETSTREAM_ORACLE_PYTHON", "")
_SCRIPT = Path(__file__).with_name("upstream.py")


_SEGMENTS = 2  # whose estimates are compared, the one of all units included
_RANDOM = 2  # metrics per statistic, where upstream draws random numbers many times


def questions(launch: Launch) -> Any:  # JSON
    """Return the queries that Jetstream would run for one experiment; see upstream.py for their form."""
    estimated = [(period.value, 1) for period in ESTIMATED]
    return ask("queries", launch, estimated=estimated, segments=_SEGMENTS, random=_RANDOM)


def ask(command: str, launch: Launch, **more: object) -> Any:  # JSON
    """Return Jetstream's answer about one experiment."""
    request = {
        "hub": str(HUB),
        "slug": launch.slug,
        "app": launch.app,
        "app_id": launch.app_id,
        "branches": launch.branches,
        "start": launch.start.isoformat(),
        "end": launch.end.isoformat(),
        "enrollment_days": launch.enrollment_days,
        "outcomes": launch.outcomes,
        "randomization_unit": launch.randomization_unit,
        "project": "oracle",
        "dataset": "upstream",
        **more,
    }
    done = subprocess.run(  # our own script
        [PYTHON, str(_SCRIPT), command], input=json.dumps(request), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{launch.slug}: {command}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)
