"""Every real experiment's Workflow, at four dates."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks.emit import CASES, ORACLE, SHARED, configurations, made
from jetstream_argo.argo.manifest.documents import size
from jetstream_argo.argo.manifest.emit import LARGEST
from jetstream_argo.dag.build import BUDGET

CHECKER = SHARED / "tools" / "check_workflow.py"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ORACLE.exists() or not CHECKER.exists(), reason="needs ../shared"),
]


@pytest.fixture(scope="module")
def configs():
    return list(configurations())


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    return _loaded(CHECKER)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_workflow_of_every_real_experiment_fits_and_holds_against_argos_schema(case, configs, checker):
    schema = checker.validator("Workflow")

    wrong = []
    for config in configs:
        result = made(config, case)
        document = result.emitted.workflow
        wrong += [(config.slug, error.message) for error in schema.iter_errors(document)]
        wrong += [(config.slug, error) for error in checker.semantic_errors(document)]
        if result.nodes > BUDGET or size(document) > LARGEST or result.paths > 5000 or result.cut or result.alike:
            facts = f"{result.nodes} nodes, {size(document)} bytes, {result.paths} paths"
            wrong.append((config.slug, f"{facts}, names: {result.cut} cut, {result.alike} alike"))

    assert len(configs) == 368
    assert wrong == []


def _loaded(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
