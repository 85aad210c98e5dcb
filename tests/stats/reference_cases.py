"""Which statistics are compared with Mozilla's Jetstream, on which data and with which parameters and pre-treatments.

`make_references.py` reads this beside Jetstream, and `beside_jetstream.py` beside the product; it imports neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

PERIOD = "preenrollment_week"
RANDOM = ("binomial", "bootstrap_mean", "deciles", "population_ratio")
GRIDS = ("empirical_cdf", "kernel_density_estimate")
PARTS = {"numerator": "m", "denominator": "d"}


@dataclass(frozen=True)
class Case:
    """A statistic of a column of `reference_data`, whole by type if `integer`, after `steps`.

    `adjusted` adjusts it by the column's covariate. Upstream ignores `confidence_interval` in linear models; there
    mozanalysis itself is asked.
    """

    statistic: str
    column: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    integer: bool = False
    adjusted: bool = False
    steps: tuple[tuple[str, Mapping[str, object]], ...] = ()

    @property
    def name(self) -> str:
        """What the references are kept under."""
        words = [self.statistic, self.column, *(["integer"] if self.integer else [])]
        words += ["adjusted"] if self.adjusted else []
        words += [
            f"{name}={value}" for name, value in self.arguments.items() if name not in ("numerator", "denominator")
        ]
        for name, arguments in self.steps:
            words.append("+" + "".join([name, *(f"({value})" for value in arguments.values())]))
        return " ".join(words)


def _step(name: str, **arguments: object) -> tuple[tuple[str, Mapping[str, object]], ...]:
    return ((name, arguments),)


NO_CLIP = "linear_model_mean_no_clip"

LINEAR = (
    Case("linear_model_mean", "counts", integer=True),
    Case("linear_model_mean", "counts", {"drop_highest": 0.05}, integer=True),
    Case("linear_model_mean", "counts", integer=True, adjusted=True),
    Case("linear_model_mean", "continuous"),
    Case("linear_model_mean", "continuous", {"drop_highest": 0.0}),
    Case("linear_model_mean", "continuous", {"drop_highest": 0.02}, adjusted=True),
    Case("linear_model_mean", "continuous", adjusted=True),
    Case("linear_model_mean", "continuous", {"confidence_interval": 0.9}),
    Case("linear_model_mean", "continuous", {"confidence_interval": 0.99}, adjusted=True),
    Case("linear_model_mean", "continuous_with_gaps", adjusted=True),
    Case("linear_model_mean", "booleans"),
    Case(NO_CLIP, "counts", integer=True),
    Case(NO_CLIP, "continuous"),
    Case(NO_CLIP, "continuous", adjusted=True),
    Case(NO_CLIP, "continuous", {"drop_highest": 0.01}),
    Case("per_client_dau_impact", "continuous_with_gaps"),
    Case("per_client_dau_impact", "continuous_with_gaps", adjusted=True),
    Case("per_client_dau_impact", "counts", {"drop_highest": 0.01}, integer=True),
)

TOTALS = (
    Case("count", "counts", integer=True),
    Case("count", "continuous_with_gaps"),
    Case("sum", "counts", integer=True),
    Case("sum", "continuous_with_gaps"),
)

GRIDDED = (
    Case("empirical_cdf", "counts", {"grid_size": 40}),
    Case("empirical_cdf", "counts", {"grid_size": 40, "log_space": True}),
    Case("empirical_cdf", "continuous", {"grid_size": 40, "log_space": True}),
    Case("empirical_cdf", "continuous", {"grid_size": 7}),
    Case("kernel_density_estimate", "counts", {"grid_size": 40, "log_space": True}),
    Case("kernel_density_estimate", "continuous", {"grid_size": 40}),
    Case("kernel_density_estimate", "continuous", {"grid_size": 7, "bandwidth": "silverman"}),
    Case("kernel_density_estimate", "continuous", {"grid_size": 7, "bandwidth": 0.5}),
)

DRAWN = (
    Case("binomial", "booleans"),
    Case("binomial", "booleans", {"confidence_interval": 0.99}),
    Case("bootstrap_mean", "counts"),
    Case("bootstrap_mean", "counts", {"confidence_interval": 0.99, "num_samples": 5000}),
    Case("bootstrap_mean", "continuous"),
    Case("bootstrap_mean", "continuous", {"drop_highest": 0.0, "num_samples": 4000}),
    Case("bootstrap_mean", "continuous", {"drop_highest": 0.05, "confidence_interval": 0.9, "num_samples": 4000}),
    Case("deciles", "counts"),
    Case("deciles", "continuous"),
    Case("deciles", "continuous", {"confidence_interval": 0.9, "num_samples": 5000}),
    Case("population_ratio", "ratio", {**PARTS, "num_samples": 4000}),
    Case("population_ratio", "ratio", {**PARTS, "num_samples": 1000, "drop_highest": 0.0}),
    Case(
        "population_ratio", "ratio", {**PARTS, "num_samples": 1500, "drop_highest": 0.05, "confidence_interval": 0.99}
    ),
)

TREATED = (
    Case(NO_CLIP, "continuous_with_gaps", steps=_step("remove_nulls")),
    Case(NO_CLIP, "continuous_with_gaps", adjusted=True, steps=_step("remove_nulls")),
    Case(NO_CLIP, "untidy", steps=_step("remove_indefinites")),
    Case(NO_CLIP, "continuous_with_gaps", steps=_step("zero_fill")),
    Case("linear_model_mean", "continuous_with_gaps", adjusted=True, steps=_step("zero_fill")),
    Case(NO_CLIP, "counts", steps=_step("censor_highest_values", fraction=0.9)),
    Case(NO_CLIP, "continuous_with_gaps", steps=_step("censor_highest_values", fraction=0.97)),
    Case(NO_CLIP, "continuous", steps=_step("censor_highest_values")),
    Case(NO_CLIP, "counts", steps=_step("censor_lowest_values", fraction=0.3)),
    Case(NO_CLIP, "continuous_with_gaps", steps=_step("censor_lowest_values", fraction=0.1)),
    Case(NO_CLIP, "continuous", steps=_step("censor_lowest_values")),
    Case(NO_CLIP, "counts", steps=_step("censor_values_below_threshold", threshold=2)),
    Case(NO_CLIP, "counts", steps=_step("censor_values_above_threshold", threshold=12)),
    Case("linear_model_mean", "counts", integer=True, steps=_step("normalize_over_analysis_period")),
    Case("linear_model_mean", "continuous_with_gaps", steps=_step("log")),
    Case("linear_model_mean", "continuous_with_gaps", adjusted=True, steps=_step("log", base=2)),
    Case("linear_model_mean", "continuous", steps=(*_step("censor_highest_values", fraction=0.9), *_step("log"))),
    Case("sum", "untidy", steps=(*_step("remove_indefinites"), *_step("zero_fill"))),
    Case("count", "counts", steps=_step("censor_values_above_threshold", threshold=12)),
    Case("empirical_cdf", "continuous_with_gaps", {"grid_size": 7}, steps=_step("remove_nulls")),
    Case("kernel_density_estimate", "continuous_with_gaps", {"grid_size": 7}, steps=_step("remove_nulls")),
    Case("bootstrap_mean", "continuous_with_gaps", {"num_samples": 4000}, steps=_step("remove_nulls")),
    Case("binomial", "booleans_with_gaps", steps=_step("zero_fill")),
    Case("deciles", "continuous_with_gaps", {"num_samples": 5000}, steps=_step("remove_nulls")),
    Case("population_ratio", "ratio", {**PARTS, "num_samples": 1000},
         steps=_step("censor_values_below_threshold", threshold=0.5)),
)  # fmt: skip

CASES = (*LINEAR, *TOTALS, *GRIDDED, *DRAWN, *TREATED)
