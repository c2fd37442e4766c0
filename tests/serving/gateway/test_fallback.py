"""Without the model, answers come from vectors and say so; without vectors there are none."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from schemas import names
from tests.pushed_run import NUMBER, PushedRun
from tests.serving.gateway.conftest import API, Asking, open_asking
from tests.serving.gateway.real_version import ENDED_STUDENT, RealVersion

pytestmark = pytest.mark.slow

STUDENT = "s00005"
AWAY = "the model server is away"


def pushed_vectors(real: RealVersion) -> dict[str, dict[str, object]]:
    folder = real.out / "states" / str(NUMBER)
    rows = pq.read_table(folder / names.VECTORS_FILE).to_pylist()
    states = pq.read_table(folder / names.STATES_FILE).to_pylist()
    return {
        row["student_id"]: {**row, "stage": state[names.Q_STAGE], "ended": state["ended"]}
        for row, state in zip(rows, states, strict=True)
    }


def by_hand(real: RealVersion, key: str, count: int = 10) -> float:
    """The mean over those most alike in the stage, weighted by cosine."""
    rows = pushed_vectors(real)
    own = rows[STUDENT]
    near = sorted(
        (
            (cosine(own["embedding"], row["embedding"]), float(row[key]))  # type: ignore[arg-type]
            for row in rows.values()
            if row["stage"] == own["stage"] and not row["ended"]
        ),
        reverse=True,
    )[:count]
    return sum(c * v for c, v in near) / sum(c for c, _ in near)


def cosine(one: object, other: object) -> float:
    a, b = np.array(one, np.float64), np.array(other, np.float64)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_health_is_degraded_and_every_answer_says_by_what_it_is(
    alone: Asking, real: RealVersion
) -> None:
    health = alone.get("/health")
    assert health["status"] == "degraded"
    assert AWAY in health["reasons"][0]
    answer = alone.get("/predict/likelihood", student_id=STUDENT)
    assert answer["prediction_method"] == "vector_fallback"
    assert AWAY in answer["reason"]
    assert answer["likelihood_score"] == pytest.approx(by_hand(real, names.LIKELIHOOD), abs=1e-5)
    answer = alone.get("/predict/risk", student_id=STUDENT)
    assert answer["risk_score"] == pytest.approx(by_hand(real, names.RISK), abs=1e-5)
    for path in ("/predict/goal-likelihood", "/analyze/goal-readiness", "/insights/conversion"):
        answer = alone.get(path, student_id=STUDENT, goal_stage="Third")
        assert answer["prediction_method"] == "vector_fallback"
        assert AWAY in answer["reason"]
        assert 0 < answer["likelihood"] < 1
    ready = alone.get("/analyze/goal-readiness", student_id=STUDENT)
    assert ready["prediction"]["prediction_method"] == "vector_fallback"
    insights = alone.get("/insights/conversion", student_id=STUDENT)
    assert insights["readiness"]["prediction"]["prediction_method"] == "vector_fallback"
    assert insights["improvements"] == []
    body = {"student_ids": [STUDENT], "prediction_types": ["likelihood"]}
    [row] = alone.post("/predict/batch", body)["predictions"]
    assert row["prediction_method"] == "vector_fallback"
    assert row["likelihood_score"] == pytest.approx(by_hand(real, names.LIKELIHOOD), abs=1e-5)


def test_engagements_are_ordered_by_cosine_and_given_no_probabilities(
    alone: Asking, real: RealVersion
) -> None:
    folder = real.serving_dir / str(NUMBER) / names.ASSETS_EXTRA
    rows = pq.read_table(folder / names.ENGAGEMENT_VECTORS_FILE).to_pylist()
    vectors = {r["engagement_id"]: r["embedding"] for r in rows if r["audience"] == "south"}
    own = pushed_vectors(real)[STUDENT]["embedding"]
    expected = {each: cosine(own, vector) for each, vector in vectors.items()}
    answer = alone.get(f"/recommendations/{STUDENT}", top_k=1000)
    assert answer["prediction_method"] == "vector_fallback"
    listed = {row["engagement_id"]: row for row in answer["recommendations"]}
    assert {e: row["score"] for e, row in listed.items()} == {
        e: pytest.approx(expected[e], abs=1e-5) for e in listed
    }
    scores = [row["score"] for row in answer["recommendations"]]
    assert scores == sorted(scores, reverse=True)
    assert all(row["likelihood"] is None for row in answer["recommendations"])
    offers = alone.get("/recommend/for-goal", student_id=STUDENT)
    assert [row["engagement_id"] for row in offers["recommendations"]] == list(listed)[:10]
    assert all(row["likelihood"] is row["gain"] is None for row in offers["recommendations"])


def test_given_an_engagement_the_number_is_said_to_be_without_it(alone: Asking) -> None:
    given = alone.get("/predict/likelihood", student_id=STUDENT, engagement_id="e000")
    plain = alone.get("/predict/likelihood", student_id=STUDENT)
    assert given["likelihood_score"] == plain["likelihood_score"]
    assert given["engagement_id"] is None
    assert "without the engagement" in given["reason"]


def test_what_is_unknown_stays_so(alone: Asking) -> None:
    alone.get("/predict/risk", 404, student_id="nobody")
    alone.get("/predict/goal-likelihood", 422, student_id=STUDENT, goal_stage="Nowhere")
    alone.get("/predict/risk", 409, student_id=ENDED_STUDENT)
    told = alone.get("/predict/goal-likelihood", student_id=ENDED_STUDENT, goal_stage="Third")
    assert told["prediction_method"] == "recorded"
    assert told["reason"] is None


def test_the_vector_is_that_of_the_push(alone: Asking, real: RealVersion) -> None:
    answer = alone.get(f"/embeddings/student/{STUDENT}")
    assert answer["prediction_method"] == "vector_fallback"
    own = pushed_vectors(real)[STUDENT]["embedding"]
    assert answer["embedding"] == pytest.approx(own, abs=1e-6)


def test_without_vectors_too_there_is_no_number(pushed: PushedRun, tmp_path: Path) -> None:
    """A version of before vectors were pushed."""
    out = tmp_path / "out"
    shutil.copytree(pushed.out, out)
    vectors = pushed.version_dir.relative_to(pushed.out) / names.ASSETS_EXTRA
    (out / vectors / names.ENGAGEMENT_VECTORS_FILE).unlink()
    asking = open_asking(out, tmp_path / "work", "127.0.0.1:1")
    health = asking.get("/health", 503)
    assert health["status"] == "unavailable"
    for path in (
        "/predict/risk?student_id=s00003",
        "/predict/goal-likelihood?student_id=s00003&goal_stage=Third",
        "/recommendations/s00003",
        "/students/at-risk",
        "/students/s00003/similar",
    ):
        response = asking.client.get(API + path)
        assert response.status_code == 503, path
        assert response.json()["type"] == "urn:goalpath:problem:version-lacks-data"
        assert response.headers["retry-after"] == "1"
    asking.client.__exit__(None, None, None)


def test_nothing_pushed_is_said(tmp_path: Path) -> None:
    (tmp_path / "out" / "serving" / "m").mkdir(parents=True)
    asking = open_asking(tmp_path / "out", tmp_path / "work", "127.0.0.1:1")
    assert asking.get("/health", 503)["status"] == "unavailable"
    problem = asking.get("/predict/risk", 503, student_id="s")
    assert problem["type"] == "urn:goalpath:problem:nothing-served"
    asking.client.__exit__(None, None, None)
