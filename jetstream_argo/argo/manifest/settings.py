"""Checks the settings of an installation, before anything is made of them."""

import re
from collections.abc import Mapping

import yaml

from jetstream_argo.errors import ConfigError, Problem

# What stands for a name in the overlays' settings.
_PLACEHOLDER = re.compile(r"<[A-Za-z][^<>\s]*>|YOUR-")
_OWN = ("main",)  # the containers of a pod that are ours
# https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set
_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_ANNOTATION = re.compile(rf"([a-z0-9]([-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_NAME}")
_LISTS = ("volumes", "tolerations", "imagePullSecrets", "containers")


def refuse_placeholders(settings: Mapping[str, str]) -> None:
    """Raise if some of the settings are still what the overlay came with.

    Raises:
        ConfigError: it names all of them.
    """
    problems = [
        Problem(name, f"is still {found[0]!r}: put your own there")
        for name, value in settings.items()
        if (found := _PLACEHOLDER.search(value))
    ]
    if problems:
        raise ConfigError("settings", problems)


def pod_patch(text: str, *, where: str) -> str:
    """Return a patch over the specification of pods as it was written; empty where it changes nothing.

    Raises:
        ConfigError: it is no mapping, or names containers that pods do not have.
    """
    patch = _mapping(text, where=where, such_as="nodeSelector: {pool: spot}")
    if not patch:
        return ""
    problems = [Problem(key, "must be a list") for key in _LISTS if key in patch and not isinstance(patch[key], list)]
    containers = patch.get("containers")
    for container in containers if isinstance(containers, list) else ():
        name = container.get("name") if isinstance(container, dict) else None
        if name not in _OWN:
            problems.append(Problem("containers", f"{name!r} is none of ours; write `name: main`"))
    if problems:
        raise ConfigError(where, problems)
    return text


def pod_annotations(text: str, *, where: str) -> Mapping[str, str]:
    """Return the annotations of pods.

    Raises:
        ConfigError: it is no mapping from texts to texts, or Kubernetes knows no such key.
    """
    annotations = _mapping(text, where=where, such_as='example.com/inject: "false"')
    problems = [
        Problem(str(key), f"{value!r} is no text; put quotes around it")
        for key, value in annotations.items()
        if not isinstance(value, str)
    ]
    problems += [
        Problem(str(key), "no annotation can be called so; write it as `name` or `example.com/name`")
        for key in annotations
        if not _ANNOTATION.fullmatch(str(key))
    ]
    if problems:
        raise ConfigError(where, problems)
    return {str(key): str(value) for key, value in annotations.items()}


def _mapping(text: str, *, where: str, such_as: str) -> Mapping[object, object]:
    """Return the mapping that a setting is, in YAML; an empty one where it says nothing."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(where, [Problem("", f"is not YAML: {error}")]) from error
    if found and not isinstance(found, dict):
        raise ConfigError(where, [Problem("", f"is no mapping such as `{such_as}`: {text!r:.80}")])
    return found or {}
