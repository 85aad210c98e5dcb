"""One real experiment, analysed on made-up telemetry by the whole pipeline in this process."""

from collections import Counter
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from jetstream_argo.config.experiment import Branch, LaunchedExperiment
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import StatisticsTask
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.planner import ConfigSources, plan_known
from jetstream_argo.run.nodes import TaskResult
from jetstream_argo.synthetic.generate import generate
from jetstream_argo.synthetic.population import Population, populate
from tests.oracle.configurations import HUB, Launch
from tests.worlds.pipeline import Pipeline

# The other periods have values and no estimates: these say all that is to be said, in a fraction of the time.
ESTIMATED = (Period.OVERALL,)


@dataclass(frozen=True, slots=True)
class World:
    """An analysed experiment: `results` says how every node ended."""

    launch: Launch
    pipeline: Pipeline
    results: dict[str, TaskResult]

    @property
    def plan(self) -> AnalysisPlan:
        """What was analysed."""
        return self.pipeline.plan


def planned(launch: Launch) -> AnalysisPlan:
    """Return the plan of a real experiment."""
    experiment = LaunchedExperiment(
        slug=launch.slug,
        source="the oracle",
        branches=tuple(Branch(name) for name in launch.branches),
        app_name=launch.app,
        app_id=launch.app_id,
        start_date=launch.start,
        end_date=launch.end,
        proposed_enrollment=launch.enrollment_days,
        reference_branch=launch.branches[0],
        randomization_unit=launch.randomization_unit,
        outcomes=launch.outcomes,
    )
    return plan_known(experiment, None, ConfigSources(definitions=(HUB,)), as_of=launch.as_of, dataset="results").plan


def analysed(launch: Launch, root: Path) -> World:
    """Plan, make telemetry, and do every node but the estimates of most periods."""
    plan = planned(launch)
    pipeline = Pipeline(root, plan)
    generate(plan, pipeline.engine, units=launch.units, seed=_seed(plan, launch.units))
    nodes = [
        node
        for node in build_dag(plan).nodes
        if not isinstance(node.task, StatisticsTask) or node.task.period in ESTIMATED
    ]
    return World(launch, pipeline, {node.id: pipeline.do(node) for node in nodes})


def _seed(plan: AnalysisPlan, units: int) -> int:
    return next(seed for seed in count(1) if _telling(populate(plan.experiment, units=units, seed=seed), plan))


def _telling(population: Population, plan: AnalysisPlan) -> bool:
    """Whether some units are late, and at least two are in two branches."""
    last = plan.experiment.timeline.last_enrollment.toordinal()
    enrolled = population.enrollments
    branches = Counter(unit for unit, _ in set(zip(enrolled.unit.tolist(), enrolled.branch.tolist(), strict=True)))
    late = bool((enrolled.day > last).any())
    return late and sum(number > 1 for number in branches.values()) > 1
