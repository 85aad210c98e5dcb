"""Whether the built packages are whole: contents, metadata, an installation into nothing, and the demo from it.

`python -m tests.distribution.check dist`, as `make dist` does; it takes packages from the registry, and is no test of
the suite. The installation has no extra, which is what most people have.
"""

import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Iterable, Sequence
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "jetstream_argo"
BESIDE_CODE = {".sql", ".toml", ".typed", ".json", ".css", ".js"}
EXTRAS = {"argo", "bigquery", "docs", "pandas", "zetasql"}
SHOP = ROOT / "examples" / "shop"


def main() -> None:
    """Check the packages in the folder that is named."""
    folder = Path(sys.argv[1]).resolve()
    (wheel,), (source,) = list(folder.glob("*.whl")), list(folder.glob("*.tar.gz"))
    _tell(f"{wheel.name}: contents")
    with zipfile.ZipFile(wheel) as packed:
        _check_wheel(packed)
    _tell(f"{source.name}: contents")
    with tarfile.open(source) as archive:
        _check_source(archive.getnames())
    with tempfile.TemporaryDirectory(prefix="jetstream-argo-dist-") as scratch:
        _install_and_run(Path(scratch), wheel, source)
    _tell("both packages are whole")


def _check_wheel(packed: zipfile.ZipFile) -> None:
    names = packed.namelist()
    tracked = [name for name in _tracked(PACKAGE) if Path(name).suffix in {".py", *BESIDE_CODE}]
    _agree("files of the package that the wheel lacks", set(tracked) - set(names))
    foreign = {name for name in names if not name.startswith((f"{PACKAGE}/", f"{PACKAGE}-"))}
    _agree("files in the wheel that are not of the package", foreign)
    (file,) = [name for name in names if name.endswith(".dist-info/METADATA")]
    metadata = Parser().parsestr(packed.read(file).decode())
    _agree("extras", EXTRAS ^ set(metadata.get_all("Provides-Extra", [])))
    _agree(
        "what metadata lack", {key for key in ("Summary", "Requires-Python", "License-Expression") if not metadata[key]}
    )
    _agree("licences", set() if any(name.endswith("licenses/LICENSE") for name in names) else {"LICENSE"})


def _check_source(names: Sequence[str]) -> None:
    contents = {name.partition("/")[2] for name in names}
    wanted = {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "examples/shop/checkout.toml", "docs/index.md"}
    _agree("files that the source lacks", wanted - contents)


def _install_and_run(scratch: Path, wheel: Path, source: Path) -> None:
    _tell("a fresh environment, and twine check")
    venv.create(scratch / "venv", with_pip=True)
    binaries = scratch / "venv" / "bin"
    _run([binaries / "python", "-m", "pip", "install", "--quiet", wheel, "twine"], scratch)
    _run([binaries / "twine", "check", "--strict", wheel, source], scratch)
    command = binaries / "jetstream-argo"
    _run([command, "--version"], scratch)
    _tell("the demo, from the wheel")
    _run([command, "demo", "--units", "600"], scratch)
    _tell("own data, from the wheel")
    for table in ("assignments.csv", "orders.csv.gz"):
        _run([command, "load", f"shop.{table.partition('.')[0]}", SHOP / table], scratch)
    _run([command, "run", SHOP / "checkout.toml", "--as-of", "2026-06-15"], scratch)
    _run([command, "results", "new-checkout"], scratch)
    _run([command, "report", "new-checkout", "-o", "page.html"], scratch)
    _agree("pages", set() if (scratch / "page.html").stat().st_size else {"page.html"})


def _tracked(folder: str) -> Iterable[str]:
    done = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def _run(arguments: Sequence[str | Path], folder: Path) -> None:
    done = subprocess.run([*map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    for line in done.stdout.splitlines()[-3:]:
        _tell(f"  {line}")


def _agree(what: str, wrong: Iterable[str]) -> None:
    found = sorted(wrong)
    if found:
        sys.exit(f"{what}: {', '.join(found)}")


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # a script


if __name__ == "__main__":
    main()
