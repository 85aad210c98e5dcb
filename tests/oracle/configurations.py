"""Real configurations that differ in kind, and how each is launched for a comparison."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

HUB = Path(__file__).resolve().parents[2].parent / "shared" / "metric-hub"
START = date(2026, 5, 4)


@dataclass(frozen=True, slots=True)
class Launch:
    """An experiment of metric-hub, with what its file does not say; where the file does say it, the file counts.

    `units` enroll, made from the first seed from which some of them are in two branches and some are late. Some queries
    keep `one_branch` of each unit.
    """

    slug: str
    kind: str
    app: str = "firefox_desktop"
    app_id: str = "firefox-desktop"
    branches: tuple[str, ...] = ("control", "treatment")
    outcomes: tuple[str, ...] = ()
    randomization_unit: str | None = None
    start: date = START
    enrollment_days: int = 3
    observation_days: int = 15
    units: int = 120
    one_branch: bool = False

    @property
    def end(self) -> date:
        """The end date."""
        return self.start + timedelta(days=self.enrollment_days + self.observation_days)

    @property
    def as_of(self) -> date:
        """A date on which everything is due."""
        return date(2027, 1, 1)


_FENIX = {"app": "fenix", "app_id": "fenix"}
_IOS = {"app": "firefox_ios", "app_id": "org.mozilla.ios.FirefoxBeta"}

LAUNCHES = (
    Launch(
        "1-click-pin-experiment", "desktop; 6 sources, 2 segments", start=date(2021, 4, 25), branches=("control", "pin")
    ),
    Launch("add-an-image-to-pdf-with-alt-text", "desktop; exposure signal on days 0 to 7"),
    Launch(
        "interaction-frecency-enhancement-v2",
        "desktop; exposure signal up to the window's end, ratio, custom sources",
        start=date(2025, 8, 25),
    ),
    Launch("navigational-suggestions", "desktop; ratios, segment", branches=("control", "treatment-a", "treatment-b")),
    Launch("win10-eos-hnt-differentiationprivacy-default", "desktop; 2 outcomes"),
    Launch(
        "whats-new-notification-tab-groups",
        "desktop; custom enrollment query, days28, 3 segments",
        observation_days=29,
        one_branch=True,
    ),
    Launch("group-id-ab-validation-131", "desktop; profile groups, events_stream", randomization_unit="group_id"),
    Launch(
        "speculative-connect-sockets-increased-population",
        "desktop; sampled, densities",
        units=300,
        outcomes=("networking_performance", "page_load_performance_minimal"),
    ),
    Launch("all-users-day-5-reengagement-push", "fenix; 13 segments", start=date(2026, 5, 30), **_FENIX),
    Launch("android-top-of-suggest-placement-re-run", "fenix; ratios", **_FENIX),
    Launch("change-app-color-icon-android-for-existing-users-v2", "fenix; days28", observation_days=29, **_FENIX),
    Launch("firefox-ios-inactive-tabs", "iOS; segment from joined pings", **_IOS),
)
