"""Write the examples in this folder, and the emitted parts of k8s/base, anew.

Usage: python workflows/regenerate.py
"""

from collections.abc import Mapping
from datetime import date
from importlib import resources
from pathlib import Path

from jetstream_argo.argo.manifest.deployment import Deployment
from jetstream_argo.argo.manifest.documents import to_yaml
from jetstream_argo.argo.manifest.emit import workflow
from jetstream_argo.argo.manifest.schedule import cron_workflow, workflow_template
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.planner import ConfigSources, plan_experiment

ROOT = Path(__file__).resolve().parents[1]
DEPLOYMENT = Deployment(
    image="registry.example/jetstream-argo@sha256:" + "0" * 64, warehouse="bigquery:example-project?location=US"
)
WRITTEN = "Written by workflows/regenerate.py."


def generated() -> Mapping[Path, str]:
    """Return what each file is to hold."""
    return {
        # On the end date everything is due.
        ROOT / "workflows/sidebar-layout-2026-04-06.yaml": workflow(_plan(date(2026, 4, 6)), DEPLOYMENT),
        # On the first days after enrollment, only the days are.
        ROOT / "workflows/sidebar-layout-2026-03-10.yaml": workflow(_plan(date(2026, 3, 10)), DEPLOYMENT),
        ROOT / "k8s/base/workflowtemplate.yaml": to_yaml([workflow_template(DEPLOYMENT)], comment=WRITTEN),
        ROOT / "k8s/base/cronworkflow.yaml": to_yaml([cron_workflow(DEPLOYMENT)], comment=WRITTEN),
    }


def _plan(as_of: date) -> AnalysisPlan:
    with resources.as_file(resources.files("jetstream_argo.demo")) as demo:
        return plan_experiment(str(demo / "experiment.toml"), ConfigSources(), as_of=as_of, dataset="analysis").plan


if __name__ == "__main__":
    for file, text in generated().items():
        file.write_text(text, encoding="utf-8")
        print(f"wrote {file.relative_to(ROOT)}")  # noqa: T201  # a script
