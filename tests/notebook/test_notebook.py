"""The notebook of the example runs from its first cell to its last, and what it shows can be shown."""

import ast
import json
import shutil
from pathlib import Path

import pytest

_EXAMPLE = Path(__file__).parents[2] / "examples" / "shop"


def _shown(cell: str, names: dict[str, object]) -> object:
    """Run a cell; return the value of its last line, which a notebook shows, if that is an expression."""
    tree = ast.parse(cell)
    last = tree.body[-1]
    before = tree.body[:-1] if isinstance(last, ast.Expr) else tree.body
    exec(compile(ast.Module(before, []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if isinstance(last, ast.Expr) else None


def test_the_notebook_of_the_example_shows_answers_and_a_drawing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(_EXAMPLE, tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop")
    for name in ("JETSTREAM_WAREHOUSE", "JETSTREAM_DATASET"):
        monkeypatch.delenv(name, raising=False)
    cells = json.loads((_EXAMPLE / "checkout.ipynb").read_text())["cells"]
    names: dict[str, object] = {}

    shown = [_shown("".join(cell["source"]), names) for cell in cells if cell["cell_type"] == "code"]

    plan, analysis, drawing, frame = shown[2:]
    assert "linear_model_mean" in repr(plan)
    assert "<table" in analysis._repr_html_()  # type: ignore[attr-defined]  # what notebooks ask for
    assert "€" in analysis._repr_html_()  # type: ignore[attr-defined]
    assert drawing._repr_svg_().startswith("<svg")  # type: ignore[attr-defined]
    assert len(frame) == 5  # type: ignore[arg-type]
