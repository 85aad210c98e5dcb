"""What a row of the estimates table is."""

from jetstream_argo.dialect.types import Column

# The metric under which units are counted; no configuration defines it.
IDENTITY = "identity"

# Whether units are split as designed. Not under the metric above: a known reader takes every row of it for a count.
SAMPLE_RATIO = "sample_ratio"
SRM = "srm"

# Of what readers of the existing system know, in views and exports; not of the plan, nor of our own tables.
SCHEMA_VERSION = 4

# The first block is what the existing system's readers know; the rest is ours.
COLUMNS: tuple[Column, ...] = (
    Column("metric", "STRING"),
    Column("statistic", "STRING"),
    Column("parameter", "NUMERIC"),
    Column("branch", "STRING"),
    Column("comparison", "STRING"),
    Column("comparison_to_branch", "STRING"),
    Column("ci_width", "FLOAT64"),
    Column("point", "FLOAT64"),
    Column("lower", "FLOAT64"),
    Column("upper", "FLOAT64"),
    Column("segment", "STRING"),
    Column("analysis_basis", "STRING"),
    Column("window_index", "INT64"),
    Column("window_start", "INT64"),
    Column("window_end", "INT64"),
    Column("n_units", "INT64"),
    Column("adjusted", "BOOL"),
    Column("reason", "STRING"),
    Column("p_value", "FLOAT64"),
    Column("std_error", "FLOAT64"),
    Column("variance_reduction", "FLOAT64"),
    Column("chance_to_win", "FLOAT64"),
    Column("expected_loss", "FLOAT64"),
    Column("adjusted_mean", "FLOAT64"),
    Column("adjusted_reference_mean", "FLOAT64"),
    Column("n_without_covariate", "INT64"),
    Column("settles_on", "DATE"),
    Column("period", "STRING"),
    Column("batch", "INT64"),
    Column("position", "INT64"),
    Column("computed_at", "TIMESTAMP"),
    Column("plan", "STRING"),
)

# What the view of the latest estimates adds, from all of them together.
DERIVED: tuple[Column, ...] = (
    Column("p_value_holm", "FLOAT64"),
    Column("p_value_bh", "FLOAT64"),
    Column("sample_ratio_p_value", "FLOAT64"),
    Column("sample_ratio_mismatch", "BOOL"),
)
