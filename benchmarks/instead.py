"""What a user would do instead for the daily means of a metric: a query per window, and tea-tasting on data frames.

The queries read the demo's telemetry directly, as Jetstream's do: units with their segments and covariate once, then
one query for every basis and window, whose rows, one per unit, become a data frame. Each frame, and each segment of it,
is clipped, and analysed by tea-tasting with the covariate, in the environment that `JETSTREAM_ORACLE_PYTHON` names,
because it is no dependency (`benchmarks/statistics_peers.py`). Writing the frames for it is not charged.
"""

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

PEER = "JETSTREAM_ORACLE_PYTHON"
WINDOWS = 29

_UNITS = """
CREATE TEMP TABLE units AS
WITH enrolled AS (
  SELECT client_id, branch, min(submission_date) AS enrolled_on
  FROM read_parquet('{telemetry}/assignments/*.parquet')
  WHERE experiment = 'sidebar-layout' AND submission_date BETWEEN '2026-03-02' AND '2026-03-09'
  GROUP BY client_id, branch
)
SELECT
  e.client_id,
  e.branch,
  e.enrolled_on,
  coalesce(sum(t.active_hours) > 5, FALSE) AS heavy_users,
  coalesce(bool_or(t.os = 'Windows'), FALSE) AS on_windows,
  coalesce(sum(t.active_hours), 0) AS m_pre
FROM enrolled AS e
LEFT JOIN read_parquet('{telemetry}/daily_activity/*.parquet') AS t
  ON t.client_id = e.client_id AND t.submission_date BETWEEN '2026-02-23' AND '2026-03-08'
  AND t.submission_date BETWEEN e.enrolled_on - 7 AND e.enrolled_on - 1
GROUP BY ALL
"""

_WINDOW = """
SELECT u.branch, u.heavy_users, u.on_windows, u.m_pre, coalesce(sum(t.active_hours), 0) AS m
FROM {units} AS u
LEFT JOIN read_parquet('{telemetry}/daily_activity/*.parquet') AS t
  ON t.client_id = u.client_id AND t.submission_date = u.enrolled_on + {day}
  AND t.submission_date BETWEEN DATE '2026-03-02' + {day} AND DATE '2026-03-09' + {day}
  AND (t.submission_date <> u.enrolled_on OR list_contains([x.key FOR x IN t.experiments], 'sidebar-layout'))
GROUP BY u.client_id, u.branch, u.heavy_users, u.on_windows, u.m_pre
"""

_EXPOSED = """(
  SELECT *
  FROM units
  WHERE client_id IN (
    SELECT client_id
    FROM read_parquet('{telemetry}/interactions/*.parquet')
    WHERE event_name = 'sidebar_opened' AND submission_date = DATE '2026-03-09' + {day}
  ) AND enrolled_on <= DATE '2026-03-09' + {day}
)"""


@dataclass(frozen=True, slots=True)
class Instead:
    """Processor seconds of the queries, and of the analyses of their frames; or why there are none of these."""

    queries: float
    analyses: float | None
    reason: str = ""

    @property
    def line(self) -> str:
        """A line for people."""
        queries = f"{2 * WINDOWS} direct queries {self.queries:.1f} s"
        if self.analyses is None:
            return f"{queries}; no analyses: {self.reason}"
        total = self.queries + self.analyses
        return f"{total:.1f} s: {queries}, tea-tasting on {6 * WINDOWS} frames {self.analyses:.1f} s"


def measure(telemetry: Path) -> Instead:
    """Return what it costs."""
    with tempfile.TemporaryDirectory(prefix="instead-") as folder:
        queries = write_frames(telemetry, Path(folder))
        python = os.environ.get(PEER)
        if not python:
            return Instead(queries, None, f"tea-tasting is not installed; {PEER} names a Python that has it")
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
        command = [python, "-m", "benchmarks.instead_peer", folder]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            return Instead(queries, None, (done.stderr.strip().splitlines() or ["it failed"])[-1])
        return Instead(queries, float(json.loads(done.stdout.strip().splitlines()[-1])))


def write_frames(telemetry: Path, folder: Path) -> float:
    """Write the frame of every basis and window; return the processor seconds until the frames are there."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET enable_progress_bar = false")
    seconds = -time.process_time()
    connection.execute(_UNITS.format(telemetry=telemetry))
    seconds += time.process_time()
    for day in range(WINDOWS):
        for basis, units in (("enrollments", "units"), ("exposures", _EXPOSED.format(telemetry=telemetry, day=day))):
            began = time.process_time()
            frame = connection.execute(_WINDOW.format(telemetry=telemetry, day=day, units=units)).df()
            seconds += time.process_time() - began
            _write(frame, folder / f"{basis}-{day}.npz")
    return seconds


def _write(frame: pd.DataFrame, file: Path) -> None:
    columns = {name: frame[name].to_numpy() for name in frame}
    np.savez(file, **{**columns, "branch": columns["branch"].astype(str)})
