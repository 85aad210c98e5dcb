"""Work that is cut before it is asked for, so that a query has memory for what it holds."""

from functools import cached_property
from pathlib import Path
from shutil import copytree

import pytest

from jetstream_argo.config.model import Basis, ExposureSignal
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Value
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.fitting import Footprint, evenly
from jetstream_argo.store.entries import Entry, Kind, read_entries
from jetstream_argo.synthetic.generate import generate
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from tests.run.test_splitting_estimates import estimated
from tests.warehouse.bigquery.whole_run import AS_OF
from tests.worlds.pipeline import ENROLLMENTS, Pipeline, experiment, metric, planned, source, summary_of

UNITS = 900


class Modest(EmbeddedEngine):
    """A warehouse that says it has less memory than it has, so that nothing is refused."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.memory_mib = 1


class ModestPipeline(Pipeline):
    """A pipeline in such a warehouse."""

    @cached_property
    def engine(self) -> EmbeddedEngine:
        """The warehouse."""
        return Modest(self.root)


def plan() -> AnalysisPlan:
    """Days of one source, for those whom a signal exposes too."""
    metrics = [metric("visits", "SUM(visits)"), metric("direct", "APPROX_QUANTILES(visits, 2)[OFFSET(1)]")]
    periods = {Period.DAY: [summary_of("visits", "sum"), summary_of("direct", "count")]}
    signal = ExposureSignal("seen", source("activity"), "visits > 0", None, None)
    enrolled = ENROLLMENTS.replace("GROUP BY", "WHERE day <= '2026-05-06'\nGROUP BY")  # the last day of enrollment
    config = experiment(metrics, [source("activity")], periods, signal=signal, enrollments_sql=enrolled)
    return planned(config, as_of=AS_OF)


def entries(pipeline: Pipeline, kind: Kind) -> list[Entry]:
    return [entry for entry in read_entries(pipeline.engine, pipeline.plan) if entry.kind is kind]


def test_work_is_cut_into_pieces_that_fit_with_the_same_results_and_nothing_is_tried_in_vain(tmp_path: Path) -> None:
    whole, modest = Pipeline(tmp_path / "whole", plan()), ModestPipeline(tmp_path / "modest", plan())
    generate(whole.plan, EmbeddedEngine(whole.root), units=UNITS, seed=1)
    copytree(whole.root, modest.root)

    for pipeline in (whole, modest):
        assert {result.exit_code for result in pipeline.run().values()} == {0}

    for kind in (Kind.PARTIALS, Kind.SIGNALS, Kind.VALUES):
        assert max(len(entry.extent) for entry in entries(whole, kind)) > 2
        assert max(len(entry.extent) for entry in entries(modest, kind)) == 2
    assert [entry for entry in read_entries(modest.engine, modest.plan) if entry.error] == []
    for basis in Basis:
        values = whole.values("visits", Period.DAY, basis)
        assert len(values) > UNITS
        assert modest.values("visits", Period.DAY, basis) == values
        assert modest.values("direct", Period.DAY, basis) == whole.values("direct", Period.DAY, basis)
    found, expected = (
        [[_number(value) for value in row] for row in estimated(pipeline)] for pipeline in (modest, whole)
    )
    assert len(expected) > len(whole.plan.windows(Period.DAY))
    assert found == expected


def _number(value: Value) -> Value:
    return float(f"{value:.10g}") if isinstance(value, float) else value


def test_memory_of_which_nothing_is_known_cuts_nothing() -> None:
    assert BigQueryEngine.memory_mib is None
    assert Footprint(10**9, 50).at_once(None) is None


def test_nobody_takes_no_memory_and_a_place_that_is_too_large_is_done_alone() -> None:
    assert Footprint(0, 5).at_once(1) is None
    assert Footprint(10**9, 5).at_once(1) == 1


@pytest.mark.parametrize(("places", "most"), [(1, 1), (7, 3), (29, 6), (36, 36), (5, 100), (3, 1)])
def test_pieces_are_about_as_large_and_have_every_place_once_in_order(places: int, most: int) -> None:
    runs = evenly(range(places), most)

    sizes = {len(run) for run in runs}
    assert [place for run in runs for place in run] == list(range(places))
    assert max(sizes) <= most
    assert max(sizes) - min(sizes) <= 1
    assert len(runs) == -(-places // most)
