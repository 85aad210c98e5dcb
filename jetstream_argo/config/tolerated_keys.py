"""Keys that mean nothing but do occur in real files, and are passed over with a warning."""

from collections.abc import Mapping
from types import MappingProxyType

_NO_EFFECT = "has no effect here"
_SEGMENT_WINDOW = "has no effect here: a segment's window is set on its data source"

# By section, then by key: what the warning says. Every one of them occurs in metric-hub, whose own parser drops
# unknown keys without a word; any other unknown key is an error.
TOLERATED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "metric": {
            "descriptionn": "is misspelt and ignored; did you mean 'description'?",
            "exposure_basis": "is ignored; did you mean 'analysis_bases'?",
            "window_start": "has no effect here: analysis windows follow from the period",
            "name": "is ignored: a metric is named by its section",
        },
        "data_source": {
            "descriptions": "is misspelt and ignored; did you mean 'description'?",
            "deprecated": _NO_EFFECT,
        },
        "segment": {"window_start": _SEGMENT_WINDOW, "window_end": _SEGMENT_WINDOW},
        "segment data source": {
            "build_id_column": _NO_EFFECT,
            "description": _NO_EFFECT,
            "experiments_column_type": _NO_EFFECT,
            "friendly_name": _NO_EFFECT,
        },
        "experiment": {
            "enrollments_query": "is misspelt and ignored; did you mean 'enrollment_query'?",
            "exposure_query_type": "is ignored: exposures are found as 'enrollments_query_type' says",
            "default_dataset": "is ignored; did you mean 'dataset_id'?",
            "enrollment_end_date": "is ignored; did you mean 'enrollment_period', in days?",
        },
    }
)
