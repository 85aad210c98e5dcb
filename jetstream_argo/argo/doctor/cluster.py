"""Checks that a cluster has what the Workflows need: Argo, rights, limits, and a clock that is right."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from jetstream_argo.argo.cluster.surroundings import Surroundings
from jetstream_argo.argo.doctor.checks import DoctorCheck, NotKnownError
from jetstream_argo.errors import AccessDenied, EngineError, NotFound

OLDEST = (4, 0)  # of Argo's versions
_RESOURCES = ("workflows", "workflowtemplates", "cronworkflows", "workflowtaskresults")
_LIMITS = ("experiments", "queries")
_MOST_APART = timedelta(seconds=60)
_ARGO = "argoproj.io"

# What k8s/base/roles.yaml grants: by role, the verbs for a resource of a group.
RIGHTS: Mapping[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "operator": (
        (_ARGO, "workflows", ("create", "get", "list", "watch", "update", "patch", "delete")),
        (_ARGO, "workflowtemplates", ("get", "list", "watch")),
        (_ARGO, "cronworkflows", ("get", "list", "watch")),
        ("", "configmaps", ("create", "get", "patch")),
        ("", "pods", ("get", "list", "watch", "delete")),
        ("", "pods/log", ("get",)),
    ),
    "planner": ((_ARGO, "workflows", ("create", "get")),),
}


def cluster_checks(
    cluster: Surroundings, *, role: str, limits: str, argo_namespace: str, now: Callable[[], datetime]
) -> tuple[DoctorCheck, ...]:
    """Return the checks of a cluster, for an account that is to have a role; `limits` of '' is no ConfigMap."""
    install = "install Argo Workflows as docs/argo.md says"
    grant = f"bind the Role jetstream-{role} of k8s/base/roles.yaml to the account"
    return (
        DoctorCheck("cluster", lambda: _clocks(cluster, now), "set both clocks by NTP: a wrong one has tokens refused"),
        DoctorCheck("argo resources", lambda: _resources(cluster), install),
        DoctorCheck("argo version", lambda: _version(cluster, argo_namespace), install),
        DoctorCheck("rights", lambda: _rights(cluster, role), grant),
        DoctorCheck("limits", lambda: _limits(cluster, limits), "apply k8s/base/limits.yaml, or give another --limits"),
    )


def _clocks(cluster: Surroundings, now: Callable[[], datetime]) -> str:
    """Compare the clocks: the answer was made at some time between the question and its arrival."""
    before = now()
    there = cluster.date()
    after = now()
    if before - _MOST_APART <= there <= after + _MOST_APART:
        return f"answers, namespace {cluster.namespace}; its clock and this one agree"
    apart = abs(there - after).total_seconds()
    raise EngineError(f"its clock says {there:%Y-%m-%d %H:%M:%S %Z}, {apart:.0f} s apart from this machine's")


def _resources(cluster: Surroundings) -> str:
    try:
        found = cluster.argo_resources()
    except NotFound as error:
        raise EngineError("the cluster knows no Workflows: Argo's CRDs are not there") from error
    missing = [name for name in _RESOURCES if name not in found]
    if missing:
        raise EngineError(f"Argo's CRDs lack {', '.join(missing)}")
    return f"{', '.join(_RESOURCES)} are known"


def _version(cluster: Surroundings, namespace: str) -> str:
    look = f"look with: kubectl -n {namespace} get deployment workflow-controller -o yaml"
    try:
        image = cluster.controller_image(namespace)
    except (AccessDenied, NotFound) as error:
        raise NotKnownError(f"the controller in namespace {namespace!r} cannot be seen from here; {look}") from error
    tag = re.search(r":v?(\d+)\.(\d+)[^:/@]*(?:@.*)?$", image)
    if tag is None:
        raise NotKnownError(f"image {image!r} does not say its version; it has to be {_written(OLDEST)} or newer")
    found = (int(tag[1]), int(tag[2]))
    if found < OLDEST:
        raise EngineError(f"{image} is older than {_written(OLDEST)}")
    return image


def _written(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _rights(cluster: Surroundings, role: str) -> str:
    lacking = [
        f"{verb} {resource}"
        for group, resource, verbs in RIGHTS[role]
        for verb in verbs
        if not cluster.may(verb, group, resource)
    ]
    if lacking:
        raise EngineError(f"the account may not, in namespace {cluster.namespace!r}: {', '.join(lacking)}")
    return f"all that the Role jetstream-{role} grants"


def _limits(cluster: Surroundings, name: str) -> str:
    if not name:
        return "none are wanted"
    try:
        data = cluster.config_map(name)
    except AccessDenied as error:
        raise NotKnownError(f"this account may not read the ConfigMap {name!r}, nor does it have to") from error
    except NotFound as error:
        raise EngineError(f"there is no ConfigMap {name!r}; Workflows would wait without end") from error
    wrong = [key for key in _LIMITS if not data.get(key, "").isdecimal() or int(data[key]) < 1]
    if wrong:
        raise EngineError(f"ConfigMap {name!r}: {', '.join(wrong)} must be whole numbers above 0")
    return ", ".join(f"{data[key]} {key} at a time" for key in _LIMITS)
