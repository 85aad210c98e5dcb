"""Plans of small hand-written experiments, and warehouses with telemetry made for them."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.config.conventions.load import load_conventions
from jetstream_argo.config.files.experiment_file import load_experiment_file
from jetstream_argo.config.files.metric_hub import Definitions
from jetstream_argo.config.resolve.experiment import resolve_config
from jetstream_argo.plan.build import resolve
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine

MakePlan = Callable[..., AnalysisPlan]

HEAD = """
[experiment]
slug = "new-checkout"
branches = ["control", "treatment"]
reference_branch = "control"
start_date = "2026-03-02"
enrollment_period = 3
end_date = "2026-03-20"
"""

SHOP = """
enrollment_query = '''
SELECT client_id AS analysis_id, branch, MIN(day) AS enrollment_date
FROM shop.assignments
WHERE day BETWEEN '{{ experiment.start_date_str }}' AND '{{ experiment.last_enrollment_date_str }}'
GROUP BY client_id, branch
'''
"""

ORDERS = """
[data_sources.orders]
from_expression = "shop.orders"
[metrics]
weekly = ["revenue"]
[metrics.revenue]
data_source = "orders"
select_expression = "COALESCE(SUM(price), 0)"
[metrics.revenue.statistics.linear_model_mean]
covariate_adjustment = { period = "preenrollment_week" }
"""


@pytest.fixture
def make_plan(tmp_path: Path) -> MakePlan:
    """Return the plan of an experiment's file, as of a date after its end."""

    def make(*parts: str) -> AnalysisPlan:
        file = tmp_path / "experiment.toml"
        file.write_text("".join(parts), encoding="utf-8")
        read = load_experiment_file(file)
        as_of = date(2026, 3, 21)
        config = resolve_config(
            read.experiment, Definitions.load([]), read.spec, conventions=load_conventions(), as_of=as_of
        )
        return resolve(config, as_of=as_of, dataset="results")

    return make


@pytest.fixture
def engine(tmp_path: Path) -> EmbeddedEngine:
    return EmbeddedEngine(tmp_path / "warehouse")
