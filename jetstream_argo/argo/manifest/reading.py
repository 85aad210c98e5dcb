"""The plan in a Workflow's manifest, and what its parameters say, for whoever runs it without a cluster."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from jetstream_argo.argo.manifest import transport
from jetstream_argo.argo.manifest.documents import Document, from_yaml
from jetstream_argo.errors import ConfigError, PlanError, Problem
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.storage.files import read_text

_REFERENCE = re.compile(r"\{\{workflow\.parameters\.([-\w]+)\}\}")


class _Read(BaseModel):
    """A part of a manifest; what matters to a cluster only is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class _NamedObject(_Read):
    name: str
    value: str = ""


class _Container(_Read):
    env: tuple[_NamedObject, ...] = ()


class _Template(_Read):
    container: _Container = _Container()


class _Arguments(_Read):
    parameters: tuple[_NamedObject, ...] = ()


class _Spec(_Read):
    arguments: _Arguments = _Arguments()
    template_defaults: _Template = _Template()
    templates: tuple[_Template, ...] = ()


class _WorkflowManifest(_Read):
    spec: _Spec


class _ConfigMap(_Read):
    binary_data: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Packed:
    """What a manifest holds: the plan, and the values of the Workflow's parameters."""

    plan: AnalysisPlan
    parameters: Mapping[str, str] = field(default_factory=dict)


def read_workflow(path: Path) -> Packed:
    """Return the plan in the Workflow of a file, which may have the plan's ConfigMap in front of it.

    Raises:
        ConfigError: the file holds no Workflow, or several.
        PlanError: the Workflow leads to no plan, or to another one than it names.
    """
    documents = list(from_yaml(read_text(path), where=str(path)))
    workflows = [document for document in documents if document["kind"] == "Workflow"]
    if len(workflows) != 1:
        raise ConfigError(str(path), [Problem("", f"holds {len(workflows)} Workflows, one is needed")])
    try:
        spec = _WorkflowManifest.model_validate(workflows[0]).spec
        files = dict(_files(documents))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(str(path), [Problem(where, f"{first['msg']}, has {first['input']!r:.80}")]) from error
    parameters = {parameter.name: parameter.value for parameter in spec.arguments.parameters}
    return Packed(_plan(spec, parameters, files, where=str(path)), parameters)


def _plan(spec: _Spec, parameters: Mapping[str, str], files: Mapping[str, str], *, where: str) -> AnalysisPlan:
    containers = (spec.template_defaults.container, *(template.container for template in spec.templates))
    variables = {
        variable.name: _REFERENCE.sub(lambda found: parameters.get(found[1], ""), variable.value)
        for container in reversed(containers)
        for variable in container.env
    }
    name = Path(variables.get(transport.PLAN_FILE, "")).name
    if packed := variables.get(transport.PLAN) or files.get(name):
        return transport.unpack(packed, variables.get(transport.PLAN_SHA256, ""), where=where)
    plan = None if name else transport.from_environment(variables)
    if plan is None:
        what = f"its plan is in a ConfigMap, file {name!r}, which is not here" if name else "leads to no plan"
        raise PlanError(f"{where}: {what}; write it anew, with `jetstream-argo workflow`")
    return plan


def _files(documents: list[Document]) -> Iterator[tuple[str, str]]:
    for document in documents:
        if document["kind"] == "ConfigMap":
            yield from _ConfigMap.model_validate(document).binary_data.items()
