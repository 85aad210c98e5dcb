"""Reads experiments from Experimenter's v8 API."""

import json
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError
from pydantic.alias_generators import to_camel

from jetstream_argo.config.dates import LONGEST_DAYS, sane
from jetstream_argo.config.experiment import Branch, LaunchedExperiment
from jetstream_argo.config.files.reading import problems_of
from jetstream_argo.config.names import FILE_PATTERN, LONGEST, is_file_name
from jetstream_argo.errors import ConfigError, Problem, brief, nearest
from jetstream_argo.storage.files import read_file

_URL = re.compile(r"https?://", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?=$|[T ])")

Read: TypeAlias = tuple[tuple[LaunchedExperiment, ...], tuple[ConfigError, ...]]


def _day(value: object) -> object:
    """Accept a point in time for its date, as the API has had both."""
    if value is None or (isinstance(value, str) and _DAY.match(value)):
        return value[:10] if value else None
    raise ValueError("write a date as YYYY-MM-DD")


_Day = Annotated[Annotated[date, AfterValidator(sane)] | None, BeforeValidator(_day)]
_Name = Annotated[str, Field(pattern=FILE_PATTERN, max_length=LONGEST)]  # it becomes part of file names


class _ExperimenterModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class _Named(_ExperimenterModel):
    slug: str


class _ExperimenterBranch(_ExperimenterModel):
    slug: str
    ratio: Annotated[int, Field(ge=0, le=1_000_000)] = 1


class _BucketConfig(_ExperimenterModel):
    randomization_unit: str | None = None


class _Experiment(_ExperimenterModel):
    """An experiment as the API sends it; fields that analysis does not need are passed over."""

    slug: _Name
    app_name: _Name | None = None
    app_id: str | None = None
    branches: tuple[_ExperimenterBranch, ...]
    start_date: _Day = None
    end_date: _Day = None
    enrollment_end_date: _Day = None
    proposed_enrollment: Annotated[int, Field(ge=0, le=LONGEST_DAYS)] | None = None
    reference_branch: str | None = None
    bucket_config: _BucketConfig | None = None
    outcomes: tuple[_Named, ...] | None = None
    segments: tuple[_Named, ...] | None = None
    is_rollout: bool = False


def load_experiment(source: Path | str, *, slug: str | None = None) -> LaunchedExperiment:
    """Return the experiment that a file or URL holds; `slug` chooses one of a list.

    Raises:
        Unavailable: the URL could not be fetched just now.
        ConfigError: the source cannot be read, is not an experiment, or does not hold this one.
    """
    entries = _entries(source)
    if slug is not None:
        slugs = [str(entry.get("slug")) for entry in entries]
        if slug not in slugs:
            what = f"holds no experiment {slug!r}{nearest(slug, slugs)}"
            raise ConfigError(str(source), [Problem("", what)])
        return _experiment(entries[slugs.index(slug)], source)
    if len(entries) != 1:
        raise ConfigError(str(source), [Problem("", f"holds {len(entries)} experiments; say which one by its slug")])
    return _experiment(entries[0], source)


def load_experiments(source: Path | str) -> Read:
    """Return the experiments that a file or URL holds, and what is wrong with those that cannot be used.

    Raises:
        Unavailable: the URL could not be fetched just now.
        ConfigError: the source is not a list of experiments at all.
    """
    experiments, errors = [], []
    for entry in _entries(source):
        try:
            experiments.append(_experiment(entry, source))
        except ConfigError as error:
            errors.append(error)
    return tuple(experiments), tuple(errors)


def _entries(source: Path | str) -> Sequence[dict[str, JsonValue]]:
    content = _parsed(_read(source), str(source))
    entries = content if isinstance(content, list) else [content]
    wrong = [entry for entry in entries if not isinstance(entry, dict)]
    if wrong:
        what = f"is not an experiment or a list of experiments: holds {brief(wrong[0])}"
        raise ConfigError(str(source), [Problem("", what)])
    return [entry for entry in entries if isinstance(entry, dict)]


def _read(source: Path | str) -> bytes:
    if _URL.match(str(source)):
        from jetstream_argo.storage.fetch import fetch  # loads urllib3

        return fetch(str(source))
    return read_file(Path(source))


def _parsed(text: bytes, source: str) -> JsonValue:
    try:
        content: JsonValue = json.loads(text)
    except ValueError as error:  # not UTF-8, not JSON, or a number of thousands of digits
        raise ConfigError(source, [Problem("", f"is not JSON: {error}")]) from error
    except RecursionError as error:
        raise ConfigError(source, [Problem("", "has brackets in brackets, too deep to read")]) from error
    return content


def _experiment(entry: dict[str, JsonValue], source: Path | str) -> LaunchedExperiment:
    slug = entry.get("slug", "no slug")
    name = f"{source} ({slug if isinstance(slug, str) and is_file_name(slug) else brief(slug)})"
    try:
        read = _Experiment.model_validate(entry)
    except ValidationError as error:
        raise ConfigError(name, problems_of(error)) from error
    return LaunchedExperiment(
        slug=read.slug,
        source=name,
        branches=tuple(Branch(branch.slug, branch.ratio) for branch in read.branches),
        app_name=read.app_name,
        app_id=read.app_id,
        start_date=read.start_date,
        end_date=read.end_date,
        enrollment_end_date=read.enrollment_end_date,
        proposed_enrollment=read.proposed_enrollment,
        reference_branch=read.reference_branch,
        randomization_unit=read.bucket_config.randomization_unit if read.bucket_config else None,
        outcomes=tuple(outcome.slug for outcome in read.outcomes or ()),
        segments=tuple(segment.slug for segment in read.segments or ()),
        is_rollout=read.is_rollout,
    )
