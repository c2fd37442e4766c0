"""The true probabilities behind simulated snapshots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.quality_parts.snapshots import Snapshots
from schemas import names

Floats = npt.NDArray[np.float64]


def true_probabilities(data: Path, snapshots: Snapshots) -> dict[str, Floats] | None:
    """LIKELIHOOD and RISK of each snapshot, `(n,)`; NaN where the truth has none.

    Args:
      data: the data folder.
      snapshots: matched by student and time.

    Returns:
      None where the data folder has no truth.
    """
    path = data / names.TRUTH_FILE
    if not path.is_file():
        return None
    truth = pl.read_parquet(path).select(
        names.STUDENT_ID,
        pl.col(names.SNAPSHOT_TIME).dt.epoch("us"),
        names.LIKELIHOOD,
        names.RISK,
    )
    keys = pl.DataFrame(
        {
            names.STUDENT_ID: snapshots.texts(names.STUDENT_ID).tolist(),
            names.SNAPSHOT_TIME: snapshots.integers(names.SNAPSHOT_TIME),
        }
    )
    by = [names.STUDENT_ID, names.SNAPSHOT_TIME]
    joined = keys.join(truth, on=by, how="left", maintain_order="left")
    return {
        head: joined.get_column(head).cast(pl.Float64).fill_null(float("nan")).to_numpy()
        for head in (names.LIKELIHOOD, names.RISK)
    }
