"""What a manifest may hold to be run on this machine; anything else is refused, not passed over.

Fields typed `object` have no meaning for one machine: who may do what in a cluster, how much memory a pod is promised,
how many run at a time in all workflows, and what is tidied up when.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from jetstream_argo.argo.manifest.documents import from_yaml
from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.storage.files import read_text


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class InputParameter(_Strict):
    """A parameter that a template takes; its value comes from the task."""

    name: str


class Parameter(_Strict):
    """A parameter with its value."""

    name: str
    value: str
    description: str = ""


class Arguments(_Strict):
    """Parameters with their values."""

    parameters: tuple[Parameter, ...] = ()


class ValueFrom(_Strict):
    """A file that a pod writes, and what stands for it where there is none."""

    path: str
    default: str


class OutputParameter(_Strict):
    """What a pod hands out."""

    name: str
    value_from: ValueFrom


class Inputs(_Strict):
    """What a template takes."""

    parameters: tuple[InputParameter, ...] = ()


class Outputs(_Strict):
    """What a template hands out."""

    parameters: tuple[OutputParameter, ...] = ()


class Variable(_Strict):
    """An environment variable."""

    name: str
    value: str


class Mount(_Strict):
    """A folder of a pod."""

    name: str
    mount_path: str
    read_only: bool = False


class Container(_Strict):
    """What a pod runs."""

    image: str
    command: tuple[str, ...] = Field(min_length=1)
    args: tuple[str, ...] = ()
    env: tuple[Variable, ...] = ()
    volume_mounts: tuple[Mount, ...] = ()
    resources: object = None
    security_context: object = None
    termination_message_policy: object = None
    image_pull_policy: object = None


class Backoff(_Strict):
    """How long to wait before an attempt: `duration`, times `factor` for each before it, at most `cap`."""

    duration: str
    factor: str
    cap: str


class RetryStrategy(_Strict):
    """When a pod is tried again, at most `limit` times."""

    limit: int
    retry_policy: Literal["Always"]
    expression: str
    backoff: Backoff


class Task(_Strict):
    """A node of the graph."""

    name: str
    template: str
    depends: str = ""
    arguments: Arguments = Arguments()


class Graph(_Strict):
    """The tasks of a DAG. Stopping at the first failure is not implemented."""

    fail_fast: Literal[False]
    target: str = ""
    tasks: tuple[Task, ...]


class Template(_Strict):
    """A graph or a pod."""

    name: str
    dag: Graph | None = None
    container: Container | None = None
    fail_fast: Literal[False] | None = None
    inputs: Inputs = Inputs()
    outputs: Outputs = Outputs()
    retry_strategy: RetryStrategy | None = None
    pod_spec_patch: str = ""
    active_deadline_seconds: object = None
    synchronization: object = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.dag is None) == (self.container is None):
            raise ValueError("needs either `dag` or `container`")
        if self.dag and self.inputs.parameters:
            raise ValueError("inputs of a `dag` are not implemented")
        return self


class ConfigMapSource(_Strict):
    """The ConfigMap that a folder shows."""

    name: str


class Volume(_Strict):
    """A folder for pods."""

    name: str
    config_map: ConfigMapSource | None = None
    empty_dir: object = None


class Spec(_Strict):
    """What a Workflow does."""

    entrypoint: str
    on_exit: str = ""
    arguments: Arguments = Arguments()
    templates: tuple[Template, ...]
    volumes: tuple[Volume, ...] = ()
    parallelism: int = Field(default=1000, ge=1)
    active_deadline_seconds: object = None
    automount_service_account_token: object = None
    executor: object = None
    pod_gc: object = Field(default=None, alias="podGC")
    pod_metadata: object = None
    security_context: object = None
    service_account_name: object = None
    synchronization: object = None
    ttl_strategy: object = None

    def template(self, name: str) -> Template:
        """Return the template called `name`; KeyError if there is none."""
        return {template.name: template for template in self.templates}[name]

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """The entrypoint's graph, and those that it leads into: a graph's only task may be a graph again."""
        entered: dict[str, Graph] = {}
        name = self.entrypoint
        while name not in entered and (graph := self.template(name).dag):
            entered[name] = graph
            if len(graph.tasks) != 1:
                break
            name = graph.tasks[0].template
        return tuple(entered.values())


class Metadata(_Strict):
    """What a Workflow is called."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Workflow(_Strict):
    """A Workflow that can be run here."""

    api_version: Literal["argoproj.io/v1alpha1"]
    kind: Literal["Workflow"]
    metadata: Metadata
    spec: Spec

    @model_validator(mode="after")
    def _names_what_exists(self) -> Self:
        spec = self.spec
        known = [template.name for template in spec.templates]
        used = [spec.entrypoint, *([spec.on_exit] if spec.on_exit else [])]
        used += [task.template for template in spec.templates if template.dag for task in template.dag.tasks]
        missing = sorted(set(used) - set(known))
        if missing or len(set(known)) < len(known):
            raise ValueError(f"templates are not there, or there twice: {missing or known}")
        if spec.template(spec.entrypoint).dag is None or (spec.on_exit and not spec.template(spec.on_exit).container):
            raise ValueError("is implemented for an entrypoint that is a DAG and an onExit that is a container only")
        if any(spec.template(task.template).dag for task in spec.graphs[-1].tasks):
            raise ValueError("a DAG among other tasks, or within itself, is not implemented")
        return self


class ConfigMap(_Strict):
    """Files for pods, as base64."""

    api_version: Literal["v1"]
    kind: Literal["ConfigMap"]
    metadata: Metadata
    immutable: bool = False
    binary_data: dict[str, str] = {}


class Manifest(_Strict):
    """A Workflow and the ConfigMaps that came with it."""

    workflow: Workflow
    config_maps: tuple[ConfigMap, ...]


def read_manifest(path: Path) -> Manifest:
    """Return the manifest in a file.

    Raises:
        ConfigError: it is none, or asks for what is not implemented here.
    """
    text = read_text(path)
    workflows, config_maps = [], []
    for document in from_yaml(text, where=str(path)):
        kind = document["kind"]
        try:
            if kind == "ConfigMap":
                config_maps.append(ConfigMap.model_validate(document))
            else:
                workflows.append(Workflow.model_validate(document))
        except ValidationError as error:
            raise ConfigError(str(path), [_problem(str(kind), detail) for detail in error.errors()]) from error
    if len(workflows) != 1:
        raise ConfigError(str(path), [Problem("", f"holds {len(workflows)} Workflows, one is needed")])
    return Manifest.model_construct(workflow=workflows[0], config_maps=tuple(config_maps))


def _problem(kind: str, error: object) -> Problem:
    assert isinstance(error, dict)  # pydantic's ErrorDetails
    where = ".".join(str(part) for part in (kind, *error["loc"]))
    if error["type"] == "extra_forbidden":
        return Problem(where, "is not implemented on this machine; submit the workflow to a cluster")
    return Problem(where, f"{error['msg']}, has {error['input']!r:.80}")
