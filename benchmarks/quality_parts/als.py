"""Implicit ALS, as a scorer of `collaborative.score_lists`."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from implicit.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

_FACTORS: Final = 64
_REGULARISATION: Final = 0.05
_CONFIDENCE: Final = 10.0
_ITERATIONS: Final = 15


def als(interactions: sp.csr_matrix, students: Places) -> Floats:
    """Factors of implicit feedback (Hu, Koren and Volinsky, 2008)."""
    # Threads of BLAS below those of implicit slow both down.
    with threadpool_limits(1, user_api="blas"):
        model = AlternatingLeastSquares(
            factors=_FACTORS,
            regularization=_REGULARISATION,
            alpha=_CONFIDENCE,
            iterations=_ITERATIONS,
            num_threads=1,
            random_state=1,
        )
        model.fit(interactions.astype(np.float32), show_progress=False)
    scores: Floats = (model.user_factors[students] @ model.item_factors.T).astype(np.float64)
    return scores
