"""What the model says of students and engagements is kept row by row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from components.serving_bundle.vectors import (
    float_lists,
    write_engagement_vectors,
    write_student_vectors,
)
from schemas import names
from schemas.vectors import GOAL_COLUMNS
from tests.pushed_run import ENDED_STUDENT, PushedRun
from tests.trained_run import AS_OF


def test_a_missing_row_is_null_and_takes_nothing_from_its_neighbours() -> None:
    values = np.arange(8, dtype=np.float32).reshape(4, 2)
    missing = np.array([False, True, True, False])
    assert float_lists(values, missing).to_pylist() == [[0, 1], None, None, [6, 7]]
    assert float_lists(values, ~missing).to_pylist() == [None, [2, 3], [4, 5], None]
    assert float_lists(values).to_pylist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert float_lists(values[:0]).to_pylist() == []


@pytest.mark.slow
def test_they_are_what_the_signatures_give(
    pushed: PushedRun, loads: list[str], tmp_path: Path
) -> None:
    from serving.pushed_model import PushedModel
    from serving.states import read_state

    model = PushedModel(pushed.version_dir, pushed.config)
    write_student_vectors(model, pushed.states_path, pushed.config, tmp_path / "v.parquet")
    rows = {row["student_id"]: row for row in pq.read_table(tmp_path / "v.parquet").to_pylist()}
    assert list(rows) == [row[names.STUDENT_ID][0].decode() for row in pushed.states]
    for student, row in rows.items():
        if student == ENDED_STUDENT:
            assert len(row[names.EMBEDDING]) == 16
            assert all(row[key] is None for key in (*names.OF_STUDENT, *GOAL_COLUMNS))
            continue
        state = model.goal_state(read_state(pushed.states_path, student), offers=False)
        assert state.heads is not None
        assert row[names.EMBEDDING] == pytest.approx(state.embedding, abs=1e-5)
        assert row[names.LIKELIHOOD] == pytest.approx(state.heads.likelihood, abs=1e-6)
        assert row[names.RISK] == pytest.approx(state.heads.risk, abs=1e-6)
        assert row[names.GOAL_PROBABILITY] == pytest.approx(state.heads.network, abs=1e-6)


@pytest.mark.slow
def test_every_row_of_the_catalogue_has_a_vector(
    pushed: PushedRun, loads: list[str], tmp_path: Path
) -> None:
    from serving.pushed_model import PushedModel

    model = PushedModel(pushed.version_dir, pushed.config)
    catalogue = pushed.version_dir / names.ASSETS_EXTRA / names.CATALOGUE_FILE
    write_engagement_vectors(model, catalogue, tmp_path / "v.parquet", as_of=AS_OF)
    rows = pq.read_table(tmp_path / "v.parquet").to_pylist()
    offered = pq.read_table(catalogue, columns=[names.AUDIENCE, names.C_ID]).to_pylist()
    assert sorted((r["audience"], r["engagement_id"]) for r in rows) == sorted(
        (r[names.AUDIENCE], r[names.C_ID]) for r in offered
    )
    assert all(len(row["embedding"]) == 16 for row in rows)
    assert len({tuple(row["embedding"]) for row in rows}) > 40
