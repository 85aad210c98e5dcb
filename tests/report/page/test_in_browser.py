"""The page in a real browser, under Argo's policy: nothing is refused, nothing is fetched, nothing is wider than it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jetstream_argo.report.page.page import page
from tests.report.page.chromium import EXECUTABLE, Browser, browser
from tests.report.page.rows import hard_world, many_metrics, material, pair, weeks

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not EXECUTABLE, reason="needs JETSTREAM_TEST_BROWSER")]

# facts: what Argo's server sends with an artifact.
POLICY = "sandbox; base-uri 'none'; default-src 'none'; img-src 'self'; style-src 'self' 'unsafe-inline'"
WIDTHS = (1440, 800, 390)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a browser for all tests of this module."""
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.mark.parametrize("world", [hard_world, many_metrics])
def test_a_page_is_shown_whole_at_any_width_in_light_and_dark_and_on_paper(chromium: Browser, world) -> None:
    text = page(world()).replace('<details class="metric"', '<details open="open" class="metric"', 3)
    pictures: dict[tuple[int, bool], bytes] = {}
    chromium.complaints.clear()

    for width in WIDTHS:
        for dark in (False, True):
            chromium.size(width, dark=dark)
            chromium.show(text, policy=POLICY)
            assert chromium.shape()[0] == width
            pictures[width, dark] = chromium.picture(most=2000)
    chromium.size(WIDTHS[1], media="print")
    chromium.show(text, policy=POLICY)

    assert chromium.shape()[0] == WIDTHS[1]
    assert chromium.complaints == []
    assert chromium.asked == []
    assert all(pictures[width, False] != pictures[width, True] for width in WIDTHS)


def test_windows_are_chosen_without_a_script(chromium: Browser) -> None:
    text = page(material([*pair(), *weeks("hours", 3), *weeks("hours", 3, "cumulative_weekly")]))
    chromium.size(WIDTHS[0])
    chromium.show(text, policy=POLICY)
    before = [bool(chromium.height_of(".panel", number)) for number in (0, 1)]

    chromium.press(".tabs label", 1)

    assert before == [True, False]
    assert [bool(chromium.height_of(".panel", number)) for number in (0, 1)] == [False, True]


def test_on_paper_everything_folded_is_there(chromium: Browser) -> None:
    text = page(many_metrics(4))
    heights = []
    for media in ("screen", "print"):
        chromium.size(WIDTHS[1], media=media)
        chromium.show(text, policy=POLICY)
        heights.append(chromium.height_of(".panel", 1))

    assert heights[0] == 0
    assert heights[1] > 0


def test_what_the_policy_forbids_would_be_seen(chromium: Browser, tmp_path: Path) -> None:
    text = page(material(pair())).replace(
        "</main>", '<img src="https://elsewhere.example/x.png"/><script>1</script></main>'
    )
    chromium.show(text, policy=POLICY)

    assert len(chromium.complaints) >= 1
    chromium.complaints.clear()
    chromium.asked.clear()
