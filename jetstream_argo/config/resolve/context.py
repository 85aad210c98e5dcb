"""The layers of configuration that every part of resolving an experiment needs to know."""

import re
from dataclasses import dataclass
from textwrap import dedent

from jetstream_argo.config.conventions.load import Conventions, Platform
from jetstream_argo.config.model import AnalysisUnit
from jetstream_argo.config.resolve.findings import ProblemCollector
from jetstream_argo.config.schema import Spec
from jetstream_argo.config.templates.fill import TemplateExperiment, Templates


@dataclass(frozen=True, slots=True)
class ResolutionContext:
    """All layers of an experiment: `spec` is its own, over defaults and outcomes; `application` what its app defines.

    `platform` is None for an application that the conventions do not know; `dataset` is that of the application's
    own tables, where Experimenter says so.
    """

    spec: Spec
    application: Spec
    templates: Templates
    experiment: TemplateExperiment
    unit: AnalysisUnit
    conventions: Conventions
    platform: Platform | None
    dataset: str | None
    findings: ProblemCollector

    @property
    def units(self) -> tuple[AnalysisUnit, ...]:
        """The units that a data source has if it does not say."""
        return self.platform.analysis_units if self.platform else tuple(AnalysisUnit)

    def id_column(self, client: str | None, group: str | None) -> str:
        """Return the column of the analysis unit, given those that a data source names."""
        columns = self.conventions.columns
        match self.unit:
            case AnalysisUnit.CLIENT:
                return client or columns.client_id
            case AnalysisUnit.GROUP:
                return group or columns.profile_group_id

    def dataset_or(self, default: str | None) -> str | None:
        """Return what `{dataset}` stands for in a data source with this default."""
        return self.dataset or default or platform_dataset(self.platform)


def dataset_of(app_id: str) -> str:
    """Return the name of an application's dataset.

    >>> dataset_of("org.mozilla.ios.Focus")
    'org_mozilla_ios_focus'
    """
    return re.sub(r"[^a-zA-Z0-9]", "_", app_id).lower()


def prose(text: str | None) -> str:
    """Return a title or description without the indentation that it has in its file."""
    return dedent(text or "").strip()


def platform_dataset(platform: Platform | None) -> str | None:
    """Return the dataset of a platform's own tables, if it has any."""
    return dataset_of(platform.app_id) if platform and platform.app_id else None
