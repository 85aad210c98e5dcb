"""Analyses the frames of `instead.py` by tea-tasting, in the peer's own environment; prints processor seconds.

    python -m benchmarks.instead_peer FOLDER

Nothing of the product is imported here.
"""

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import tea_tasting as tt

CLIPPED = 0.005


def main(folder: str) -> None:
    """Analyse every frame and segment."""
    warnings.simplefilter("ignore")
    files = sorted(Path(folder).glob("*.npz"))
    analysed(frame(files[0]))  # what is loaded once does not count
    frames = [frame(file) for file in files]
    began = time.process_time()
    for rows in frames:
        for segment in (rows, rows[rows["heavy_users"]], rows[rows["on_windows"]]):
            analysed(segment)
    print(time.process_time() - began)


def frame(file: Path) -> pd.DataFrame:
    """The rows of a window, one per unit."""
    arrays = np.load(file)
    return pd.DataFrame({name: arrays[name] for name in arrays.files})


def analysed(rows: pd.DataFrame) -> object:
    """The differences of clipped means from the first branch's, adjusted by the clipped covariate."""
    tops = {name: rows[name].quantile(1 - CLIPPED) for name in ("m", "m_pre")}
    clipped = rows.assign(**{name: rows[name].clip(upper=top) for name, top in tops.items()})
    experiment = tt.Experiment(metric=tt.Mean("m", covariate="m_pre"), variant="branch")
    return experiment.analyze(clipped, control="control", all_variants=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
