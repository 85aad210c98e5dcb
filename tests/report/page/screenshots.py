"""Pictures of pages at three widths, in light and dark: of made-up worlds that are hard to show, and of files.

python -m tests.report.page.screenshots FOLDER [PAGE.html …]

Of each file there is also a small one, as `docs/images/page.png` is of the demo's page.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from jetstream_argo.report.page.page import page
from tests.report.page.chromium import browser
from tests.report.page.rows import hard_world, many_metrics

WIDTHS = (1440, 800, 390)
_MOST = 3000  # pixels from the top


def main(folder: Path, files: Sequence[Path]) -> Iterator[Path]:
    """Write the pictures; yield their files."""
    texts = {"hard": page(hard_world()), "many": page(many_metrics())}
    texts |= {file.stem: file.read_text() for file in files}
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, browser(Path(profile)) as chromium:
        for name, text in texts.items():
            for width in WIDTHS:
                for mode in ("light", "dark"):
                    chromium.size(width, dark=mode == "dark")
                    chromium.show(text)
                    file = folder / f"{name}-{width}-{mode}.png"
                    file.write_bytes(chromium.picture(most=_MOST))
                    yield file
            if name in {file.stem for file in files}:
                chromium.size(WIDTHS[0])
                chromium.show(text)
                small = folder / f"{name}.png"
                small.write_bytes(chromium.picture(most=1000, scale=0.7))
                yield small


if __name__ == "__main__":
    for written in main(Path(sys.argv[1]), [Path(file) for file in sys.argv[2:]]):
        print(written)  # noqa: T201  # it tells what it wrote
