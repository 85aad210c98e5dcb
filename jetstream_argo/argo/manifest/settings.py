"""What an installation's settings may say, read before anything is made of them."""

import re
from collections.abc import Mapping

import yaml

from jetstream_argo.errors import ConfigError, Problem

# What stands for a name in the overlays' settings.
_PLACEHOLDER = re.compile(r"<[A-Za-z][^<>\s]*>|YOUR-")
_OWN = ("main",)  # the containers of a pod that are ours
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
    try:
        patch = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(where, [Problem("", f"is not YAML: {error}")]) from error
    if not patch:
        return ""
    if not isinstance(patch, dict):
        raise ConfigError(where, [Problem("", f"is no mapping such as `nodeSelector: {{pool: spot}}`: {text!r:.80}")])
    problems = [Problem(key, "must be a list") for key in _LISTS if key in patch and not isinstance(patch[key], list)]
    containers = patch.get("containers")
    for container in containers if isinstance(containers, list) else ():
        name = container.get("name") if isinstance(container, dict) else None
        if name not in _OWN:
            problems.append(Problem("containers", f"{name!r} is none of ours; write `name: main`"))
    if problems:
        raise ConfigError(where, problems)
    return text
