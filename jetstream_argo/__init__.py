"""Experiment analysis as one Argo Workflow of small, retriable tasks; and from Python:

    import jetstream_argo as ja

    analysis = ja.analyse("checkout.toml", tables={"shop.orders": orders, "shop.assignments": assignments})
    analysis.results.frame()

`ja.compare`, `ja.load`, `ja.analyse`, `ja.plan`, `ja.results` and `ja.Configuration` are what there is, each with a
docstring.
"""

# What is offered is loaded when it is first asked for: pods import this package too, and need none of it.

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jetstream_argo.config.building import Configuration as Configuration
    from jetstream_argo.config.schema import DataSourceSpec as DataSourceSpec
    from jetstream_argo.config.schema import MetricSpec as MetricSpec
    from jetstream_argo.config.schema import SegmentDataSourceSpec as SegmentDataSourceSpec
    from jetstream_argo.config.schema import SegmentSpec as SegmentSpec
    from jetstream_argo.notebook.analysis import analyse as analyse
    from jetstream_argo.notebook.comparing import compare as compare
    from jetstream_argo.notebook.loading import load as load
    from jetstream_argo.notebook.preview import plan as plan
    from jetstream_argo.notebook.results import results as results

_OFFERED = {
    "load": "jetstream_argo.notebook.loading",
    "analyse": "jetstream_argo.notebook.analysis",
    "compare": "jetstream_argo.notebook.comparing",
    "results": "jetstream_argo.notebook.results",
    "Configuration": "jetstream_argo.config.building",
    "DataSourceSpec": "jetstream_argo.config.schema",
    "MetricSpec": "jetstream_argo.config.schema",
    "SegmentSpec": "jetstream_argo.config.schema",
    "SegmentDataSourceSpec": "jetstream_argo.config.schema",
}


def __getattr__(name: str) -> Any:  # whatever is offered
    if name == "plan":
        return import_module("jetstream_argo.plan")
    if name in _OFFERED:
        return getattr(import_module(_OFFERED[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_OFFERED, "plan"})


class _Callable(ModuleType):
    """The room `jetstream_argo.plan`, which can be called: `ja.plan("checkout.toml")`."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:  # those of `notebook.preview.plan`
        return import_module("jetstream_argo.notebook.preview").plan(*arguments, **options)


class _Package(ModuleType):
    """This package: whenever its room `plan` is imported, it is made one that can be called."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "plan" and isinstance(value, ModuleType):
            value.__class__ = _Callable
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
