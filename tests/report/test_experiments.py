"""Which experiments have results in a dataset."""

from dataclasses import replace

from jetstream_argo.report.experiments import nearest_slug, places_in, recorded_in
from jetstream_argo.sql.names import Place
from tests.run.test_late_telemetry import LAST, activity, load, pipeline
from tests.worlds.pipeline import Pipeline

__all__ = ["pipeline"]


def test_experiments_are_listed_by_when_they_were_worked_at_last(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    pipeline.run()
    pipeline.plan = replace(pipeline.plan, experiment=replace(pipeline.plan.experiment, slug="try.it"))
    pipeline.run()

    found = list(recorded_in(pipeline.engine, "results"))

    assert [experiment.place.slug for experiment in found] == ["try.it", "try-it"]
    assert {(experiment.metrics, experiment.lacking, experiment.failures) for experiment in found} == {(1, 0, 0)}
    assert all(experiment.units == 3 and experiment.first_at < experiment.last_at for experiment in found)
    assert set(places_in(pipeline.engine, "results")) == {Place("results", "try.it"), Place("results", "try-it")}
    assert nearest_slug(pipeline.engine, Place("results", "tryit")) in ("try.it", "try-it")


def test_a_dataset_without_experiments_has_none(pipeline: Pipeline) -> None:
    assert list(recorded_in(pipeline.engine, "telemetry")) == []
