"""The columns of what the model says of every student and engagement at the push."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from schemas import names

GOAL_COLUMNS: Final = (*names.GOAL_VALUES, names.GOAL_PROBABILITY)
_FLOATS: Final = pa.list_(pa.float32())
STUDENT_VECTORS: Final = pa.schema(
    [
        (names.STUDENT_ID, pa.string()),
        (names.EMBEDDING, _FLOATS),  # [D]
        (names.LIKELIHOOD, pa.float32()),
        (names.RISK, pa.float32()),
        *((key, _FLOATS) for key in GOAL_COLUMNS),  # [K]
    ]
)
"""In the order of the states. All but id and embedding are null where the student has ended."""
ENGAGEMENT_VECTORS: Final = pa.schema(
    [
        (names.AUDIENCE, pa.string()),
        (names.ENGAGEMENT_ID, pa.string()),
        (names.EMBEDDING, _FLOATS),
    ]
)
"""One for each row of the catalogue: popularity, and so the vector, differs by audience."""
