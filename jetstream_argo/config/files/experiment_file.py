"""Reads one hand-written file about an experiment, where there is no Experimenter and no metric-hub.

    [experiment]
    slug = "new-checkout"
    branches = ["control", "treatment"]      # or {control = 1, treatment = 3}, with their shares
    start_date = 2026-05-04
    enrollment_period = 7                    # days
    end_date = 2026-06-08                    # leave out while the experiment runs
    reference_branch = "control"
    allow_empty_branches = true              # leave out: a name that no unit has is an error if others have units
    enrollment_query = '''
        SELECT user_id AS analysis_id, branch, MIN(day) AS enrollment_date
        FROM shop.assignments
        WHERE experiment = '{{ experiment.slug }}'
        GROUP BY user_id, branch
    '''

    [data_sources.orders]
    from_expression = "shop.orders"
    client_id_column = "user_id"
    submission_date_column = "day"
    experiments_column_type = "none"         # rows do not carry the experiment

    [metrics]
    weekly = ["revenue"]
    overall = ["revenue"]

    [metrics.revenue]
    data_source = "orders"
    select_expression = "COALESCE(SUM(amount), 0)"

    [metrics.revenue.statistics.linear_model_mean]

Everything that an experiment's file of metric-hub can hold can stand here too, and `[functions]`. With `app_name`, the
application's definitions and its way of recording enrollments are used where there are any.
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, StrictBool

from jetstream_argo.config.experiment import Branch, LaunchedExperiment
from jetstream_argo.config.files.reading import TableReader
from jetstream_argo.config.names import FILE_PATTERN, LONGEST
from jetstream_argo.config.schema import Day, ExperimentSpec, Section, Spec, Whole
from jetstream_argo.errors import ConfigError
from jetstream_argo.storage.toml_file import Table, read_toml

_NO_APPLICATION = "none"
_Name = Annotated[str, Field(pattern=FILE_PATTERN, max_length=LONGEST)]  # it becomes part of file names


def _shares(value: object) -> object:
    """Accept a list of branches, which then have equal shares.

    Raises:
        ValueError: a branch is named twice.
    """
    if isinstance(value, str):
        written = json.dumps([name.strip() for name in value.split(",")], ensure_ascii=False)
        raise ValueError(f"write a list, {written}, or a table with their shares")
    if not isinstance(value, list):
        return value
    if any(not isinstance(name, str) for name in value):
        raise ValueError('write the names as text, ["old", "new"]')
    names = [str(name) for name in value]
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"{twice!r} is named twice")
    return dict.fromkeys(names, 1)


class _LaunchSpec(Section):
    """What a hand-written file says in `[experiment]`, beside what an experiment's file of metric-hub can say."""

    slug: _Name
    branches: Annotated[dict[str, Annotated[Whole, Field(ge=1)]], Field(min_length=1), BeforeValidator(_shares)]
    app_name: _Name = _NO_APPLICATION
    app_id: str | None = None
    enrollment_end_date: Day | None = None
    randomization_unit: str | None = None
    is_rollout: StrictBool = False
    url: str | None = None


_LAUNCH_KEYS = tuple(key for key in _LaunchSpec.model_fields if key != "file")


@dataclass(frozen=True, slots=True)
class ExperimentFile:
    """An experiment, and what its file says about the analysis; both go to `resolve`."""

    experiment: LaunchedExperiment
    spec: Spec


def is_experiment_file(path: Path) -> bool:
    """Return whether a TOML file describes an experiment by itself, as `[experiment] slug` shows.

    Raises:
        ConfigError: the file is not TOML.
    """
    experiment = read_toml(path).get("experiment")
    return isinstance(experiment, dict) and "slug" in experiment


def load_experiment_file(path: Path) -> ExperimentFile:
    """Return what the file says.

    Raises:
        ConfigError: the file cannot be used; holds all of its problems.
    """
    return read_experiment(read_toml(path), str(path))


def read_experiment(document: Table, file: str) -> ExperimentFile:
    """Return what the tables of a file say.

    Raises:
        ConfigError: they cannot be used; holds all of their problems.
    """
    reader = TableReader(file)
    table = document.get("experiment", {})
    table = table if isinstance(table, dict) else {}
    launch: Table = {key: value for key, value in table.items() if key in _LAUNCH_KEYS}
    rest: Table = {key: value for key, value in table.items() if key not in _LAUNCH_KEYS}
    read = reader.section(launch, "experiment", _LaunchSpec, "launch")
    spec = reader.spec({**document, "experiment": rest}, launch_keys=_LAUNCH_KEYS)
    if read is None or reader.problems:
        raise ConfigError(reader.file, reader.problems)
    return ExperimentFile(_experiment(read, spec.experiment), spec)


def _experiment(read: _LaunchSpec, spec: ExperimentSpec) -> LaunchedExperiment:
    return LaunchedExperiment(
        slug=read.slug,
        source=read.file,
        branches=tuple(Branch(slug, ratio) for slug, ratio in read.branches.items()),
        app_name=read.app_name,
        app_id=read.app_id,
        start_date=spec.start_date,
        end_date=spec.end_date,
        enrollment_end_date=read.enrollment_end_date,
        reference_branch=spec.reference_branch,
        randomization_unit=read.randomization_unit,
        is_rollout=read.is_rollout,
        url=read.url,
    )
