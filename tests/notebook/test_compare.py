"""Branches compared by one call: what other libraries give on the same rows, in two lines."""

from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

import jetstream_argo as ja
from jetstream_argo.errors import ConfigError
from tests.notebook.test_analysis import _cats

# On the rows of `_cats()`, gate_40 minus gate_30 (tea-tasting 1.14.0, statsmodels 0.15.0, scipy 1.17.1):
# tt.Experiment(sum_gamerounds=tt.Mean("sum_gamerounds"), …, variant="version").analyze(data, control="gate_30")
# CompareMeans(DescrStatsW(new), DescrStatsW(old)).tconfint_diff(usevar="unequal") gives the same interval.
TEA_TASTING = {
    "sum_gamerounds": (2.4337348326592334, -3.4201697666425535, 8.28763943196102, 0.41503577700462707),
    "retention_1": (0.0062047202097870735, -0.02929823546844959, 0.04170767588802374, 0.7318677377393075),
    "retention_7": (-0.0064713987288324, -0.03430299877986391, 0.021360201322199113, 0.648484381509455),
}
# statsmodels 0.15.0: proportions_ztest([new.sum(), old.sum()], [len(new), len(old)])[1]
Z_TEST = {"retention_1": 0.7317656098552903, "retention_7": 0.6483238655452916}


def row_of(frame: pd.DataFrame, metric: str, statistic: str) -> pd.Series:
    """The difference of gate_40 and gate_30."""
    found = frame[(frame.metric == metric) & (frame.statistic == statistic) & (frame.comparison == "difference")]
    return found[found.branch == "gate_40"].iloc[0]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """The results, from a data frame: these two lines are all that it takes."""
    analysis = ja.compare(_cats(), unit="userid", branch="version")
    return analysis.results.frame()


@pytest.mark.parametrize("metric", TEA_TASTING)
def test_means_are_those_of_tea_tasting_and_statsmodels(frame: pd.DataFrame, metric: str) -> None:
    own = row_of(frame, metric, "mean_welch")

    assert (own.point, own.lower, own.upper, own.p_value) == pytest.approx(TEA_TASTING[metric], rel=1e-9)


@pytest.mark.parametrize("metric", TEA_TASTING)
def test_means_are_those_of_scipy(frame: pd.DataFrame, metric: str) -> None:
    groups = dict(list(_cats().groupby("version")))
    test = stats.ttest_ind(groups["gate_40"][metric], groups["gate_30"][metric], equal_var=False)

    assert row_of(frame, metric, "mean_welch").p_value == pytest.approx(test.pvalue, rel=1e-9)


@pytest.mark.parametrize("metric", Z_TEST)
def test_shares_have_the_p_value_of_the_z_test(frame: pd.DataFrame, metric: str) -> None:
    assert row_of(frame, metric, "binomial").p_value == pytest.approx(Z_TEST[metric], rel=1e-9)


def test_all_players_count_and_the_frame_is_of_what_was_given(frame: pd.DataFrame) -> None:
    shares = frame[(frame.metric == "retention_7") & (frame.statistic == "binomial") & frame.comparison.isna()]

    assert isinstance(frame, pd.DataFrame)
    assert shares.set_index("branch").n_units.to_dict() == _cats().version.value_counts().to_dict()


def test_a_file_some_columns_and_a_reference_can_be_named(tmp_path: Path) -> None:
    file = tmp_path / "cats.csv"
    _cats(400).to_csv(file, index=False)

    shares = {"gate_30": 1, "gate_40": 1}

    analysis = ja.compare(
        file, unit="userid", branch="version", metrics=["retention_1"], reference="gate_40", shares=shares
    )

    assert analysis.preview.plan.experiment.reference_branch == "gate_40"
    assert {*analysis.results.frame("pandas").metric} - {"identity", "sample_ratio"} == {"retention_1"}


def test_a_unit_with_several_rows_counts_once() -> None:
    rows = pd.DataFrame(
        {"id": ["a", "a", "b", "c", "d", "e"], "arm": [*"xxxyyy"], "spent": [1.0, 2.0, 5.0, 4.0, 8.0, 6.0]}
    )

    found = ja.compare(rows, unit="id", branch="arm").results.frame()

    own = found[(found.metric == "spent") & found.comparison.isna() & (found.statistic == "mean_welch")]
    assert own.set_index("branch").point.to_dict() == pytest.approx({"x": 4.0, "y": 6.0})


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"unit": "user_id", "branch": "version"}, "no column 'user_id'; did you mean 'userid'"),
        ({"unit": "userid", "branch": "gate"}, "branch: there is no column 'gate'"),
        ({"unit": "userid", "branch": "version", "metrics": ["version"]}, "column 'version' is STRING"),
    ],
)
def test_what_cannot_be_compared_is_told(asked: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ja.compare(_cats(50), **asked)  # type: ignore[arg-type]  # on purpose
