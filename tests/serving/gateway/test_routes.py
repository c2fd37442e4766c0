"""Every route gives what the model of the version gives, by student id."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from prometheus_client.parser import text_string_to_metric_families

from schemas import names
from serving.goal_states import read_advisor
from serving.pushed_model import PushedModel
from serving.states import StudentState, read_state
from tests.pushed_run import NUMBER
from tests.serving.gateway.conftest import API, Asking
from tests.serving.gateway.real_version import ENDED_STUDENT, STUDENTS, RealVersion

pytestmark = pytest.mark.slow

STUDENT = "s00005"  # in the first stage
TOLERANCE = 1e-5


@pytest.fixture(name="model", scope="module")
def _model(real: RealVersion) -> PushedModel:
    """The same version in this process: a second way to the same numbers."""
    return PushedModel(version_dir(real), real.config)


def version_dir(real: RealVersion) -> Path:
    return real.serving_dir / str(NUMBER)


def state_of(real: RealVersion, student: str) -> StudentState:
    return read_state(real.out / "states" / str(NUMBER) / names.STATES_FILE, student)


@pytest.mark.parametrize("student", ["s00000", STUDENT, "s00058"])
def test_likelihood_and_risk(
    asking: Asking, real: RealVersion, model: PushedModel, student: str
) -> None:
    expected = model.predict(state_of(real, student))
    answer = asking.get("/predict/likelihood", student_id=student)
    assert answer["likelihood_score"] == pytest.approx(expected.likelihood, abs=TOLERANCE)
    assert answer["student_id"] == student
    assert answer["engagement_id"] is None
    assert answer["prediction_method"] == "full_model"
    assert answer["reason"] is None
    assert answer["model_version"] == NUMBER
    assert answer["as_of"] == "2021-07-10T12:26:40Z"
    assert answer["timestamp"] == "2021-07-11T00:00:00Z"
    answer = asking.get("/predict/risk", student_id=student)
    assert answer["risk_score"] == pytest.approx(expected.risk, abs=TOLERANCE)
    assert answer["risk_level"] == expected.risk_level


def test_likelihood_given_an_engagement(
    asking: Asking, real: RealVersion, model: PushedModel
) -> None:
    expected = model.predict(state_of(real, STUDENT), "e000").given
    assert expected is not None
    answer = asking.get("/predict/likelihood", student_id=STUDENT, engagement_id="e000")
    assert answer["engagement_id"] == "e000"
    assert answer["likelihood_score"] == pytest.approx(expected.likelihood, abs=TOLERANCE)
    ranked = asking.get("/predict/ranking", student_id=STUDENT, engagement_id=["e003", "e000"])
    scores = {row["engagement_id"]: row for row in ranked["recommendations"]}
    assert scores["e000"]["score"] == pytest.approx(expected.ranking_score, abs=1e-4)
    assert scores["e000"]["risk"] == pytest.approx(expected.risk, abs=TOLERANCE)
    order = [row["score"] for row in ranked["recommendations"]]
    assert order == sorted(order, reverse=True)


def test_recommendations_are_open_ordered_paged_and_filtered(
    asking: Asking, real: RealVersion
) -> None:
    everything = asking.get(f"/recommendations/{STUDENT}", top_k=1000)
    rows = everything["recommendations"]
    catalogue = pq.read_table(
        version_dir(real) / names.ASSETS_EXTRA / names.CATALOGUE_FILE
    ).to_pylist()
    audience = "south"  # of students with an odd number
    # e009, e019, ... have closed a day before.
    offered = {
        row[names.C_ID]
        for row in catalogue
        if row[names.AUDIENCE] == audience and not row[names.C_ID].endswith("9")
    }
    assert {row["engagement_id"] for row in rows} == offered
    assert everything["total"] == len(rows) == len(offered)
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    scores = [row["score"] for row in rows]
    assert scores == sorted(scores, reverse=True)
    page = asking.get(f"/recommendations/{STUDENT}", top_k=3, offset=2)
    assert page["recommendations"] == rows[2:5]
    mail = asking.get(f"/recommendations/{STUDENT}", top_k=1000, engagement_type="mail")
    assert [row["engagement_id"] for row in mail["recommendations"]] == [
        row["engagement_id"] for row in rows if row["engagement_type"] == "mail"
    ]
    met = {
        row[names.ENGAGEMENT_ID]
        for row in real.tables[names.EVENTS]
        if row[names.STUDENT_ID] == STUDENT
    }
    new = asking.get(f"/recommendations/{STUDENT}", top_k=1000, exclude_sent=True)
    assert {row["engagement_id"] for row in new["recommendations"]} == offered - met
    assert met & offered
    threshold = float(np.median([row["likelihood"] for row in rows]))
    likely = asking.get(f"/recommendations/{STUDENT}", top_k=1000, min_likelihood=threshold)
    assert [row["engagement_id"] for row in likely["recommendations"]] == [
        row["engagement_id"] for row in rows if row["likelihood"] >= threshold
    ]


def test_goal_questions_are_answered_as_the_advisor_does(
    asking: Asking, real: RealVersion, model: PushedModel
) -> None:
    advisor = read_advisor(version_dir(real))
    state = model.goal_state(state_of(real, STUDENT))
    expected = advisor.conversion_insights(state, "Third", 3)
    prediction = expected.readiness.prediction
    answer = asking.get("/predict/goal-likelihood", student_id=STUDENT, goal_stage="Third")
    assert answer["target_stage"] == "Third"
    assert answer["current_stage"] == prediction.stage == "First"
    assert answer["stage_distance"] == 2
    for key in ("likelihood", "lower", "upper", "confidence", "base_log_odds"):
        assert answer[key] == pytest.approx(getattr(prediction, key), abs=1e-4)
    log_odds = answer["base_log_odds"] + sum(each["log_odds"] for each in answer["reasons"])
    assert 1 / (1 + np.exp(-log_odds)) == pytest.approx(answer["likelihood"], abs=1e-4)
    assert answer["prediction_method"] == "full_model"
    default = asking.get("/predict/goal-likelihood", student_id=STUDENT)
    assert default["target_stage"] == "Third"

    step = asking.get("/predict/stage-transition", student_id=STUDENT, to_stage="Second")
    told = advisor.predict_stage_transition(state, "First", "Second")
    assert step["probability"] == pytest.approx(told.probability, abs=1e-4)
    assert (step["from_stage"], step["students"]) == ("First", told.students)

    offers = asking.get("/recommend/for-goal", student_id=STUDENT, goal_stage="Third", top_k=1000)
    best = advisor.recommend_for_goal(state, "Third", 1000)
    assert [row["engagement_id"] for row in offers["recommendations"]] == [
        each.engagement_id for each in best
    ]
    assert offers["recommendations"][0]["gain"] == pytest.approx(best[0].gain, abs=1e-4)
    assert offers["total"] == len(best) > 10

    ready = asking.get("/analyze/goal-readiness", student_id=STUDENT, goal_stage="Third")
    assert ready["readiness"] == expected.readiness.readiness
    assert ready["prediction"]["prediction_method"] == "full_model"
    insights = asking.get("/insights/conversion", student_id=STUDENT, goal_stage="Third")
    assert [each["engagement_id"] for each in insights["improvements"]] == [
        each.engagement_id for each in expected.improvements
    ]
    assert insights["cluster"] == expected.cluster


def test_what_the_data_say_is_no_prediction(asking: Asking) -> None:
    reached = asking.get("/predict/goal-likelihood", student_id="s00000", goal_stage="First")
    assert (reached["likelihood"], reached["prediction_method"]) == (1.0, "recorded")
    ended = asking.get("/predict/goal-likelihood", student_id=ENDED_STUDENT, goal_stage="Third")
    assert (ended["likelihood"], ended["prediction_method"]) == (1.0, "recorded")
    for path in ("/predict/likelihood", "/predict/risk"):
        problem = asking.get(path, 409, student_id=ENDED_STUDENT)
        assert problem["type"] == "urn:goalpath:problem:student-has-ended"


def test_a_batch_says_the_same_as_one_by_one(asking: Asking) -> None:
    students = [f"s{number:05d}" for number in range(0, STUDENTS, 7)]
    body = {
        "student_ids": [*students, "nobody", ENDED_STUDENT],
        "prediction_types": ["likelihood", "risk", "goal"],
        "engagement_ids": ["e000"],
    }
    answer = asking.post("/predict/batch", body)
    assert answer["total_processed"] == len(students) + 2
    assert answer["failed_predictions"] == 2
    assert answer["successful_predictions"] == len(students)
    assert answer["processing_time_seconds"] > 0
    assert [row["student_id"] for row in answer["predictions"]] == body["student_ids"]
    assert answer["predictions"][-2]["error"] == "unknown student"
    assert "has ended" in answer["predictions"][-1]["error"]
    for row in answer["predictions"][: len(students)]:
        student = row["student_id"]
        one = asking.get("/predict/likelihood", student_id=student)
        assert row["likelihood_score"] == pytest.approx(one["likelihood_score"], abs=TOLERANCE)
        one = asking.get("/predict/risk", student_id=student)
        assert row["risk_score"] == pytest.approx(one["risk_score"], abs=TOLERANCE)
        assert row["risk_level"] == one["risk_level"]
        one = asking.get("/predict/goal-likelihood", student_id=student)
        assert row["goal_likelihood"] == pytest.approx(one["likelihood"], abs=1e-4)
        one = asking.get("/predict/likelihood", student_id=student, engagement_id="e000")
        [given] = row["engagements"]
        assert given["likelihood_score"] == pytest.approx(one["likelihood_score"], abs=TOLERANCE)


def test_lists_hold_those_above_the_threshold_and_no_others(asking: Asking) -> None:
    students = [f"s{number:05d}" for number in range(STUDENTS)]
    body = {"student_ids": students, "prediction_types": ["likelihood", "risk", "goal"]}
    told = {
        row["student_id"]: row
        for row in asking.post("/predict/batch", body)["predictions"]
        if "error" not in row
    }
    threshold = float(np.median([row["risk_score"] for row in told.values()]))
    listed = asking.get("/students/at-risk", threshold=threshold)
    risks = {row["student_id"]: row["risk_score"] for row in listed["students"]}
    assert set(risks) == {s for s, row in told.items() if row["risk_score"] > threshold}
    assert list(risks.values()) == sorted(risks.values(), reverse=True)
    page = asking.get("/students/at-risk", threshold=threshold, limit=2, offset=1)
    assert page["students"] == listed["students"][1:3]
    assert page["total"] == listed["total"] == len(risks)
    first = asking.get("/students/at-risk", threshold=0, stage="First")
    assert {row["student_id"] for row in first["students"]} == {
        s for s, row in told.items() if row["current_stage"] == "First"
    }
    goals = asking.get("/students/high-potential", threshold=0)
    assert [row["goal_likelihood"] for row in goals["students"]] == sorted(
        (pytest.approx(row["goal_likelihood"], abs=1e-4) for row in told.values()),
        key=lambda each: -each.expected,
    )
    assert asking.client.get("/api/v1/students/at-risk?threshold=0").status_code == 200


def test_vectors_and_those_alike(asking: Asking) -> None:
    ids = [f"s{number:05d}" for number in range(STUDENTS) if f"s{number:05d}" != ENDED_STUDENT]
    found = [asking.get(f"/embeddings/student/{each}")["embedding"] for each in ids]
    vectors = np.array(found)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit[ids.index(STUDENT)]
    cosine[ids.index(STUDENT)] = -2
    answer = asking.get(f"/students/{STUDENT}/similar", top_k=STUDENTS)
    alike = [row for row in answer["similar"] if not row["ended"]]
    expected = [ids[place] for place in np.argsort(-cosine)][: len(alike)]
    assert [row["student_id"] for row in alike][:10] == expected[:10]
    assert alike[0]["similarity"] == pytest.approx(cosine.max(), abs=1e-4)
    engagement = asking.get("/embeddings/engagement/e000")
    assert np.linalg.norm(engagement["embedding"]) == pytest.approx(1.0, abs=1e-5)
    assert len(engagement["embedding"]) == vectors.shape[1]
    asking.get("/embeddings/engagement/e001", 404, audience="south")
    asking.get("/embeddings/engagement/nothing", 404)


@pytest.mark.parametrize(
    ("path", "query", "status", "kind"),
    [
        ("/predict/risk", {"student_id": "nobody"}, 404, "unknown-student"),
        ("/recommendations/nobody", {}, 404, "unknown-student"),
        ("/students/nobody/similar", {}, 404, "unknown-student"),
        ("/embeddings/student/nobody", {}, 404, "unknown-student"),
        (
            "/predict/likelihood",
            {"student_id": STUDENT, "engagement_id": "x"},
            404,
            "unknown-engagement",
        ),
        (
            "/predict/goal-likelihood",
            {"student_id": STUDENT, "goal_stage": "Decision"},
            422,
            "unknown-stage",
        ),
        (
            "/predict/goal-likelihood",
            {"student_id": STUDENT, "goal_stage": "third"},
            422,
            "unknown-stage",
        ),
        (
            "/predict/stage-transition",
            {"student_id": STUDENT, "from_stage": "Third", "to_stage": "First"},
            422,
            "unusable-request",
        ),
        ("/predict/risk", {}, 422, "unusable-request"),
        (f"/recommendations/{STUDENT}", {"top_k": 0}, 422, "unusable-request"),
        ("/students/at-risk", {"threshold": 1.5}, 422, "unusable-request"),
        ("/students/at-risk", {"stage": "Nowhere"}, 422, "unknown-stage"),
        ("/nothing", {}, 404, "not-found"),
    ],
)
def test_what_cannot_be_answered_is_a_problem(
    asking: Asking, path: str, query: dict[str, object], status: int, kind: str
) -> None:
    response = asking.client.get(API + path, params=query)  # type: ignore[arg-type]
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == f"urn:goalpath:problem:{kind}"
    assert problem["status"] == status
    assert problem["instance"] == API + path
    assert problem["detail"]


def test_health_info_and_metrics(asking: Asking, real: RealVersion) -> None:
    health = asking.get("/health")
    assert (health["status"], health["reasons"], health["model_version"]) == ("healthy", [], NUMBER)
    info = asking.get("/info")
    assert info["stages"] == list(real.config.stages)
    assert (info["students"], info["engagements"]) == (STUDENTS, 40)
    for _ in range(3):
        asking.get("/predict/risk", student_id=STUDENT)
    asking.get("/predict/risk", 404, student_id="nobody")
    text = asking.client.get(API + "/metrics").text
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["goalpath_requests_total", "/predict/risk", "200", "GET"] == 3 or (
        samples["goalpath_requests_total", "200", "/predict/risk", "GET"] == 3
    )
    [count] = [
        value
        for key, value in samples.items()
        if key[0] == "goalpath_request_seconds_count" and "/predict/risk" in key
    ]
    assert count == 4
    answers = [v for k, v in samples.items() if k[0] == "goalpath_answers_total"]
    assert answers == [3]
    assert STUDENT not in text


def test_the_openapi_document_has_examples_and_problems(asking: Asking) -> None:
    schema = asking.client.get("/openapi.json").json()
    risk = schema["paths"][f"{API}/predict/risk"]["get"]
    assert set(risk["responses"]) >= {"200", "404", "422", "429", "503"}
    assert "application/problem+json" in risk["responses"]["404"]["content"]
    assert "example" in schema["components"]["schemas"]["RiskAnswer"]
    assert "Problem" in schema["components"]["schemas"]
