"""The code's own names: a class name means one thing, a variable says what it holds, a module says what it does."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import jetstream_argo

ROOT = Path(jetstream_argo.__file__).parent
BESIDE = (Path(__file__).parent, Path(__file__).parents[1] / "benchmarks")

# Names that say nothing of what they hold.
VAGUE = frozenset({"one", "each", "of", "said", "told", "mine", "held", "every", "those"})
QUESTIONS = frozenset({"Which", "What", "How", "Whether", "When", "Who", "Whom", "Why", "Where", "Until", "By"})


@cache
def modules() -> dict[str, ast.Module]:
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}


def test_no_two_classes_share_a_name() -> None:
    places = defaultdict(list)
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{module}:{node.lineno}")

    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_names_of_variables_say_what_they_hold() -> None:
    beside = {str(path): ast.parse(path.read_text()) for folder in BESIDE for path in sorted(folder.rglob("*.py"))}
    vague = [
        f"{module}:{line} {name}"
        for module, tree in (modules() | beside).items()
        for name, line in bound(tree)
        if name in VAGUE
    ]

    assert vague == []


def test_modules_say_what_they_do_instead_of_asking() -> None:
    asking = [name for name, tree in modules().items() if (ast.get_docstring(tree) or "What").split()[0] in QUESTIONS]

    assert asking == []


def bound(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the names of variables and parameters, with their lines; not those of functions, nor what is imported."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name, node.lineno
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, node.lineno
            case _:
                pass
