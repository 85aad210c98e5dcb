"""How large the Workflows of all real experiments are, and how long it takes to make them.

Usage: python benchmarks/emit.py [--write FOLDER]    (as JSON, for tools/check_workflow.py)

Reads the configurations in ../shared/metric-hub. Dates are assumed, since the files hold few: enrollment from
2026-05-04 for as long as the file says, 90 days of observation. `--write` keeps the manifests.
"""

import argparse
import gzip
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from jetstream_argo.argo.manifest.deployment import Deployment
from jetstream_argo.argo.manifest.documents import size
from jetstream_argo.argo.manifest.emit import Emitted, emit
from jetstream_argo.argo.manifest.layout import WorkflowLayout, layout
from jetstream_argo.argo.manifest.titles import SHOWN, as_shown, whole
from jetstream_argo.config.conventions.load import load_conventions
from jetstream_argo.config.experiment import Branch, LaunchedExperiment
from jetstream_argo.config.files.metric_hub import Definitions
from jetstream_argo.config.model import ExperimentConfig
from jetstream_argo.config.resolve.experiment import resolve as resolve_config
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import Dag
from jetstream_argo.plan.build import resolve
from jetstream_argo.plan.model import AnalysisPlan

SHARED = Path(__file__).resolve().parents[2] / "shared"
HUB = SHARED / "metric-hub"
ORACLE = SHARED / "oracles" / "resolved.json.gz"

# Files that need outcomes do not name them; these define what each of them refers to.
OUTCOMES = {
    "account-spotlight-modal-english-holdback-esr": ("spotlight_engagement",),
    "accounts-vpn-promotion": ("spotlight_engagement",),
    "impact-of-race-cache-with-network-feature": ("networking",),
    "release-android-onboarding-redesign": ("default-browser",),
    "speculative-connect-sockets": ("networking",),
    "speculative-connect-sockets-increased-population": ("networking_performance", "page_load_performance_minimal"),
}
# Nor do files say what is randomised; these read tables that know no other unit.
OF_PROFILE_GROUPS = (
    "expand-sign-in-pxi-toolbar-button-with-callout-signed-out-existing-users-2",
    "felt-privacy-faster-the-10-tracker-milestone",
    "kitified-value-prop-experiments-on-new-tab-countries-with-no-content-re-run",
    "kitified-value-prop-experiments-on-new-tab-re-run",
    "messaging-for-built-in-vpn-151",
)
START = date(2026, 5, 4)
OBSERVED = 90  # days
DEPLOYMENT = Deployment("registry.example/jetstream-argo@sha256:" + "0" * 64, "bigquery:project?location=US")


@dataclass(frozen=True, slots=True)
class Case:
    """A date on which an experiment is analysed: days after its last enrollment."""

    name: str
    days: int


CASES = (
    Case("ordinary date", 16),
    Case("week boundary", 20),
    Case("end date", OBSERVED),
    Case("full rerun", OBSERVED + 90),
)


@dataclass(frozen=True, slots=True)
class Made:
    """A Workflow, how long it took to make, and how many ways lead through its graph.

    `nodes` have a pod; `chain` is how many of them follow one another at most, publishing included. Of the names that
    Argo's UI shows, attempts included, `cut` are too long for it, and `alike` are shown of several nodes.
    """

    slug: str
    case: Case
    emitted: Emitted
    nodes: int
    paths: int
    chain: int
    cut: int
    alike: int
    seconds: float


def configurations(*, step: int = 1) -> Iterator[ExperimentConfig]:
    """Yield what the files of real experiments resolve to, one in `step`; those the old parser refuses are left out."""
    known = json.loads(gzip.decompress(ORACLE.read_bytes()))["experiments"]
    definitions = Definitions.load([HUB])
    conventions = load_conventions(())
    for slug, facts in sorted(known.items())[::step]:
        own = definitions.experiment_file(slug)
        named = [own.experiment.reference_branch] if own and own.experiment.reference_branch else []
        experiment = LaunchedExperiment(
            slug=slug,
            source="metric-hub",
            branches=tuple(Branch(name) for name in dict.fromkeys(["control", "treatment", *named])),
            app_name=facts["app"],
            start_date=START,
            proposed_enrollment=7,
            outcomes=(*facts["outcomes"], *OUTCOMES.get(slug, ())),
            randomization_unit="group_id" if slug in OF_PROFILE_GROUPS else None,
        )
        config = resolve_config(experiment, definitions, conventions=conventions).config
        end = START + timedelta(days=config.enrollment_days + OBSERVED)
        # Whether an experiment is skipped says nothing about its size.
        yield replace(config, start_date=START, end_date=end, skip=False, is_rollout=False, is_private=False)


def made(config: ExperimentConfig, case: Case) -> Made:
    """Plan and emit one experiment on one date."""
    since = time.perf_counter()
    as_of = START + timedelta(days=config.enrollment_days + case.days)
    plan = resolve(config, as_of=as_of, dataset="analysis")
    emitted = emit(plan, DEPLOYMENT)
    seconds = time.perf_counter() - since
    dag = build_dag(plan)
    titles = _names(plan, layout(dag))
    shown = [as_shown(name) for name in titles]
    return Made(
        slug=config.slug,
        case=case,
        emitted=emitted,
        nodes=len(dag.nodes) + 1,
        paths=_paths(dag),
        chain=_chain(dag) + 1,
        cut=sum(len(name) > SHOWN for name in titles),
        alike=sum(count for count in Counter(shown).values() if count > 1),
        seconds=seconds,
    )


def _names(plan: AnalysisPlan, found: WorkflowLayout) -> list[str]:
    tasks = [found.titles[node.id] for node in found.nodes]
    return [whole(plan), *(group.title for group in found.groups), *tasks, *(f"{title}(0)" for title in tasks)]


def _chain(dag: Dag) -> int:
    longest: dict[str, int] = {}
    for node in dag.nodes:
        longest[node.id] = 1 + max((longest[need] for need in node.dependencies), default=0)
    return max(longest.values())


def _paths(dag: Dag) -> int:
    """Return the number of ways from a root to a leaf: what a retry in Argo costs."""
    ways: dict[str, int] = {}
    for node in dag.nodes:
        ways[node.id] = sum(ways[need] for need in node.dependencies) or 1
    waited_for = {need for node in dag.nodes for need in node.dependencies}
    return sum(ways[node.id] for node in dag.nodes if node.id not in waited_for)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--write", type=Path)
    folder = options.parse_args().write
    since = time.perf_counter()
    configs = list(configurations())
    print(f"{len(configs)} configurations resolved in {time.perf_counter() - since:.1f} s")
    print(
        f"{'':<14} {'nodes':>17} {'bytes as JSON':>19} {'paths':>6} {'chain':>6} "
        f"{'cut':>5} {'alike':>5} {'plan apart':>10} {'seconds':>8}"
    )
    print(
        f"{'':<14} {'median':>8} {'most':>8} {'median':>9} {'most':>9} {'most':>6} {'most':>6} "
        f"{'names':>5} {'names':>5} {'':>10} {'in all':>8}"
    )
    for case in CASES:
        results = [made(config, case) for config in configs]
        print(_row(case, results))
        for result in results if folder else []:
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / f"{result.slug}-{case.name.replace(' ', '-')}.json"
            file.write_text(json.dumps(result.emitted.workflow), encoding="utf-8")


def _row(case: Case, results: list[Made]) -> str:
    nodes = sorted(result.nodes for result in results)
    sizes = sorted(size(result.emitted.workflow) for result in results)
    middle = len(results) // 2
    apart = sum(result.emitted.storage.config_map is not None for result in results)
    paths = max(result.paths for result in results)
    seconds = sum(result.seconds for result in results)
    return (
        f"{case.name:<14} {nodes[middle]:>8} {nodes[-1]:>8} {sizes[middle]:>9,} {sizes[-1]:>9,} "
        f"{paths:>6} {max(result.chain for result in results):>6} {sum(result.cut for result in results):>5} "
        f"{sum(result.alike for result in results):>5} {apart:>10} {seconds:>8.1f}"
    )


if __name__ == "__main__":
    main()
