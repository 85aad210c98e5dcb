"""Small directories laid out like metric-hub, and experiments to resolve with them."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.config.conventions.load import Conventions, load_conventions
from jetstream_argo.config.experiment import Branch, LaunchedExperiment
from jetstream_argo.config.files.metric_hub import Definitions
from jetstream_argo.config.resolve.experiment import Resolution, resolve

Write = Callable[[Mapping[str, str]], Path]
Resolve = Callable[..., Resolution]


@pytest.fixture(scope="session")
def conventions() -> Conventions:
    return load_conventions()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files into a directory, and return it."""

    def _write(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return _write


@pytest.fixture
def resolved(write: Write, conventions: Conventions) -> Resolve:
    """Resolve the experiment `exp` of the application fenix, whose own file is `own`, among `files`."""

    def _resolve(own: str, files: Mapping[str, str] | None = None, **known: object) -> Resolution:
        directory = write({**(files or {}), "exp.toml": own})
        experiment = launched(**known)
        return resolve(experiment, Definitions.load([directory]), conventions=conventions)

    return _resolve


def launched(**known: object) -> LaunchedExperiment:
    """Return an experiment with two branches that started on 2026-05-04 and enrolls for a week."""
    facts: dict[str, object] = {
        "slug": "exp",
        "source": "experimenter",
        "branches": (Branch("control"), Branch("treatment")),
        "app_name": "fenix",
        "start_date": date(2026, 5, 4),
        "proposed_enrollment": 7,
        **known,
    }
    return LaunchedExperiment(**facts)  # type: ignore[arg-type]  # each test names the fields that matter to it
