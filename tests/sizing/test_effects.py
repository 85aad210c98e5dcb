"""Which effects are found with so many units, against statsmodels and by hand."""

import json
from io import StringIO
from math import sqrt
from xml.etree import ElementTree

import pytest
from rich.console import Console

from jetstream_argo.sizing.effects import Design, Sized, Spread, shares_compared, sized, spreads_of
from jetstream_argo.sizing.show import size_json, size_plot, size_table
from jetstream_argo.stats.power import detectable, error_of_difference, power
from jetstream_argo.terminal.console import EscapingConsole

# statsmodels 0.15, scipy 1.17; solve_power itself stops some 1e-5 before:
# where NormalIndPower().power(effect, nobs1=n, alpha=1 - confidence, ratio=ratio) is the power, by brentq to 1e-15
PEERS = [
    (1000, 1, 0.95, 0.8, 0.125290546405754),
    (5000, 0.25, 0.95, 0.9, 0.10250570427879005),
    (200, 3, 0.99, 0.6, 0.23100127944185464),
]


@pytest.mark.parametrize(("n", "ratio", "confidence", "wanted", "effect"), PEERS)
def test_the_smallest_effect_is_that_of_statsmodels(
    n: int, ratio: float, confidence: float, wanted: float, effect: float
) -> None:
    error = error_of_difference(2.5, (n, n * ratio))

    found = detectable(error=error, confidence=confidence, power_=wanted)

    assert found / 2.5 == pytest.approx(effect, rel=1e-6)
    assert power(found, error=error, confidence=confidence) == pytest.approx(wanted, abs=1e-9)


def test_the_power_is_that_of_statsmodels() -> None:
    # statsmodels 0.15: NormalIndPower().power(0.05, nobs1=1000, alpha=0.05, ratio=1)
    assert power(0.05, error=error_of_difference(1.0, (1000, 1000)), confidence=0.95) == pytest.approx(
        0.20095555123041609, rel=1e-9
    )


def row(comparison: str | None, **facts: object) -> dict[str, object]:
    made = {"metric": "visits", "statistic": "mean_welch", "window_index": 2, "segment": "all", "n_units": 400}
    return {**made, "comparison": comparison, "point": 3.0, "std_error": 0.1, "adjusted": None, **facts}


def test_the_deviation_of_units_is_that_of_a_branch_and_of_what_the_covariate_leaves() -> None:
    rows = [
        row(None), row(None), row("difference", n_units=720, std_error=0.1, adjusted=True),
        row("relative_uplift", n_units=720), row(None, segment="new"), row(None, statistic="mean"),
    ]  # fmt: skip

    [found] = spreads_of(rows)

    assert found == Spread("visits", 2, 400, 3.0, pytest.approx(2.0), pytest.approx(0.1 * sqrt(360 / 2)))


def test_without_an_adjustment_or_an_error_nothing_is_said_of_it() -> None:
    [unadjusted] = spreads_of([row(None), row("difference", adjusted=False)])

    assert unadjusted.adjusted is None
    assert list(spreads_of([row(None), row("difference", std_error=None)])) == []
    assert list(spreads_of([row(None, point=None), row("difference")])) == []


def test_a_ratio_has_the_deviation_of_its_linear_form() -> None:
    ratio = {"statistic": "ratio_delta", "std_error": None}

    [found] = spreads_of([row(None, **ratio), row("difference", **{**ratio, "std_error": 0.02, "n_units": 800})])

    assert found == Spread("visits", 2, 400, 3.0, pytest.approx(0.02 * sqrt(200)))


SPREAD = Spread("visits", 1, 400, 3.0, 2.0, 1.0)


def test_each_metric_has_a_size_for_each_number_of_units_and_half_the_effect_with_a_quarter_of_the_variance() -> None:
    found = list(sized([SPREAD], [1000, 4000], Design((0.5, 0.5))))

    assert [(effect.units, effect.adjusted) for effect in found] == [
        (1000, False),
        (1000, True),
        (4000, False),
        (4000, True),
    ]
    assert found[0].effect == pytest.approx(2.8016 * 2.0 * sqrt(2 / 500), rel=1e-5)
    assert found[1].effect == pytest.approx(found[0].effect / 2)
    assert found[2].effect == pytest.approx(found[0].effect / 2)
    assert found[0].relative == pytest.approx(found[0].effect / 3)


def test_without_a_population_it_is_that_of_the_past_and_a_mean_of_zero_has_no_share() -> None:
    [found] = sized([Spread("visits", 1, 400, 0.0, 2.0)], [], Design((0.5, 0.5)))

    assert (found.units, found.relative) == (400, None)


def test_the_reference_branch_is_compared_with_the_smallest_of_the_others() -> None:
    assert shares_compared(("a", "b", "c"), (1, 2, 1), "b") == (0.5, 0.25)
    assert shares_compared(("a", "b"), (), None) == (0.5, 0.5)


def test_sizes_are_shown_as_a_table_as_json_and_as_a_drawing_that_takes_names_for_text() -> None:
    sizes = list(sized([SPREAD, Spread("<b>", 1, 400, 0.0, 2.0)], [1000, 4000], Design((0.5, 0.5))))

    console = EscapingConsole(width=120)
    with console.capture() as capture:
        console.print(size_table(sizes))
    plain = json.loads(size_json("try-it", Design((0.5, 0.5)), sizes))
    tree = ElementTree.fromstring(size_plot([*sizes, Sized("<b>", 1, 1000, False, 1.0, 1.0, 0.1, 0.1)]))

    assert "11.81%" in capture.get()
    assert plain["sizes"][0]["relative"] == pytest.approx(0.11812, rel=1e-3)
    assert (plain["confidence"], plain["power"], plain["shares"]) == (0.95, 0.8, [0.5, 0.5])
    assert "<b>: smallest relative effect" in "".join(tree.itertext())
    assert len(tree.findall("{http://www.w3.org/2000/svg}polyline")) == 5


def test_names_of_metrics_are_never_cut_short() -> None:
    sizes = [Sized(f"sidebar_opens_of_{name}", 1, 20_000, False, 1.0, 1.0, 0.1, 0.1) for name in ("week", "month")]
    text = StringIO()

    Console(file=text, width=60).print(size_table(sizes))

    shown = "".join(line.split("│")[1].strip() for line in text.getvalue().splitlines() if line.startswith("│"))
    assert shown == "sidebar_opens_of_weeksidebar_opens_of_month"
