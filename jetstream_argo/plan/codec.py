"""Writes a plan as canonical JSON, and names it by its SHA-256."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jetstream_argo.config.model import MetricRole
from jetstream_argo.config.written import canonical
from jetstream_argo.errors import ConfigError, PlanError
from jetstream_argo.plan.model import SCHEMA_VERSION, AnalysisPlan
from jetstream_argo.plan.population import Exclusions
from jetstream_argo.stats.checks import SMALLEST_DEVIATION
from jetstream_argo.storage.files import read_file

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def dump(plan: AnalysisPlan) -> bytes:
    """Return the plan as canonical JSON: keys sorted, no spaces, one line. Equal plans give equal bytes.

    Where nothing is known of the sources nothing is written of them, as before there was such a thing; nor is of empty
    branches that are not allowed, of metrics' units and roles that nobody has named, and of who does not count where
    everybody does.
    """
    written = _adapter().dump_python(plan, mode="json")
    if plan.readiness is None:
        del written["readiness"]
    if not plan.experiment.allow_empty_branches:
        del written["experiment"]["allow_empty_branches"]
    if plan.experiment.sample_ratio_deviation == SMALLEST_DEVIATION:
        del written["experiment"]["sample_ratio_deviation"]
    if plan.enrollments.exclusions == Exclusions():
        del written["enrollments"]["exclusions"]
    for metric in written["metrics"]:
        if not metric["unit"]:
            del metric["unit"]
        if metric["role"] == MetricRole.SECONDARY:
            del metric["role"]
        if metric["non_inferiority_margin"] is None:
            del metric["non_inferiority_margin"]
    return canonical(written).encode()


def load(text: bytes, *, where: str = "plan") -> AnalysisPlan:
    """Return the plan that `dump` wrote.

    Raises:
        PlanError: the text is no plan, or one of another version.
    """
    from pydantic import ValidationError

    try:
        version = json.loads(text).get("schema_version")
    except (ValueError, AttributeError, RecursionError) as error:
        raise PlanError(f"{where}: is not a plan: {error}; make one with `jetstream-argo plan … -o FILE`") from error
    if version != SCHEMA_VERSION:
        raise PlanError(f"{where}: has schema version {version!r}, this version reads {SCHEMA_VERSION}; plan again")
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        raise PlanError(
            f"{where}: is not a plan: {error.error_count()} fields are wrong; plan again\n{error}"
        ) from error
    except ConfigError as error:
        wrong = "; ".join(map(str, error.problems))
        raise PlanError(f"{where}: asks for what this version does not know; plan again: {wrong}") from error


def read(path: Path) -> AnalysisPlan:
    """Return the plan in a file.

    Raises:
        ConfigError: it cannot be read.
        PlanError: it holds no plan.
    """
    return load(read_file(path), where=str(path))


def sha256(plan: AnalysisPlan) -> str:
    """Return the plan's name: 64 hexadecimal digits."""
    return hashlib.sha256(dump(plan)).hexdigest()


def digest(*parts: object) -> str:
    """Return 16 hexadecimal digits that stand for `parts`, which are plain data."""
    return hashlib.sha256(canonical(parts).encode()).hexdigest()[:16]


@cache
def _adapter() -> "TypeAdapter[AnalysisPlan]":
    from pydantic import TypeAdapter

    return TypeAdapter(AnalysisPlan)
