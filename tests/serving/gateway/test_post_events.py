"""Posted events are in the next answer, once, and after a restart."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas import names
from serving.gateway.event_store import PostedEvent
from serving.pushed_model import PushedModel
from serving.states import StudentState
from tests.pushed_run import NUMBER
from tests.serving.conftest import Running
from tests.serving.gateway.conftest import Asking, open_asking
from tests.serving.gateway.real_version import RealVersion
from tests.trained_run import AS_OF

pytestmark = pytest.mark.slow

STUDENT = "s00005"
SECOND = 1_000_000


def body(event_id: str, minutes: int, **changes: object) -> dict[str, Any]:
    moment = dt.datetime(2021, 7, 10, 12, 26, 40, tzinfo=dt.timezone.utc)
    return {
        "event_id": event_id,
        "student_id": STUDENT,
        "engagement_id": "e002",
        "timestamp": (moment + dt.timedelta(minutes=minutes)).isoformat(),
        "response": "opened",
        "value": 3.0,
        **changes,
    }


def test_answers_are_of_the_state_after_the_events(asking: Asking, real: RealVersion) -> None:
    before = asking.get("/predict/risk", student_id=STUDENT)
    events = [body(f"n{number}", 10 * number) for number in range(1, 6)]
    told = asking.post("/events", {"events": events})
    assert told == {"accepted": 5, "duplicates": 0, "in_states": 5}
    after = asking.get("/predict/risk", student_id=STUDENT)
    assert after["posted_events"] == 5
    assert after["as_of"] == "2021-07-10T13:16:41Z"  # a second after the last
    assert after["risk_score"] != before["risk_score"]

    data = asking.gateway.versions.served.stable
    assert data.state_rows is not None
    assert data.histories is not None
    place = data.histories.place(STUDENT)
    assert place is not None
    posted = [
        PostedEvent(f"n{n}", STUDENT, "e002", AS_OF + n * 10 * 60 * SECOND, "opened", 3.0)
        for n in range(1, 6)
    ]
    row = data.state_rows.row(
        data.histories.row(place), posted, as_of=AS_OF + 50 * 60 * SECOND + SECOND
    )
    [values] = row.to_pylist()
    model = PushedModel(real.serving_dir / str(NUMBER), real.config)
    expected = model.predict(StudentState(values, bool(values.pop("ended"))))
    assert after["risk_score"] == pytest.approx(expected.risk, abs=1e-5)
    others = asking.get("/predict/risk", student_id="s00006")
    assert others["posted_events"] == 0

    batch = {"student_ids": ["s00004", STUDENT, "s00006"], "prediction_types": ["risk"]}
    rows = asking.post("/predict/batch", batch)["predictions"]
    assert rows[1]["risk_score"] == pytest.approx(expected.risk, abs=1e-5)
    assert rows[2]["risk_score"] == pytest.approx(others["risk_score"], abs=1e-5)
    listed = asking.get("/students/at-risk", threshold=0)["students"]
    [own] = [row for row in listed if row["student_id"] == STUDENT]
    assert own["posted_events"] is True
    assert own["risk_score"] == pytest.approx(expected.risk, abs=1e-5)
    new = asking.get(f"/recommendations/{STUDENT}", top_k=1000, exclude_sent=True)
    assert "e002" not in {row["engagement_id"] for row in new["recommendations"]}


def test_a_second_post_changes_nothing(asking: Asking) -> None:
    asking.post("/events", body("a", 1))
    once = asking.get("/predict/risk", student_id=STUDENT)
    assert asking.post("/events", body("a", 1)) == {
        "accepted": 0,
        "duplicates": 1,
        "in_states": 1,
    }
    again = asking.get("/predict/risk", student_id=STUDENT)
    assert again["risk_score"] == once["risk_score"]
    assert again["posted_events"] == 1
    problem = asking.post("/events", body("a", 2), 409)
    assert problem["type"] == "urn:goalpath:problem:event-id-taken"


def test_a_stage_that_is_posted_is_the_stage(asking: Asking) -> None:
    asking.post("/events", body("a", 1, stage_after="Second"))
    answer = asking.get("/predict/goal-likelihood", student_id=STUDENT)
    assert answer["current_stage"] == "Second"
    asking.post("/events", body("b", 2, stage_after="Third"))
    answer = asking.get("/predict/goal-likelihood", student_id=STUDENT)
    assert (answer["current_stage"], answer["prediction_method"]) == ("Third", "recorded")
    asking.get("/predict/risk", 409, student_id=STUDENT)
    at_risk = asking.get("/students/at-risk", threshold=0)["students"]
    assert STUDENT not in {row["student_id"] for row in at_risk}


def test_a_loss_that_is_posted_is_the_end(asking: Asking) -> None:
    asking.post("/events", body("a", 1, stage_after=names.LOST))
    asking.get("/predict/risk", 409, student_id=STUDENT)


def test_what_the_data_of_the_version_cover_is_kept_and_not_applied(asking: Asking) -> None:
    told = asking.post("/events", body("old", -60))
    assert told == {"accepted": 1, "duplicates": 0, "in_states": 0}
    answer = asking.get("/predict/risk", student_id=STUDENT)
    assert answer["posted_events"] == 0
    assert len(asking.gateway.events.of_student(STUDENT, 0)) == 1


def test_posted_events_are_there_after_a_restart(
    asking: Asking, real: RealVersion, model_server: Running
) -> None:
    asking.post("/events", body("a", 1))
    before = asking.get("/predict/risk", student_id=STUDENT)
    again = open_asking(
        real.out, asking.gateway.settings.folder, f"127.0.0.1:{model_server.grpc_port}"
    )
    assert again.get("/predict/risk", student_id=STUDENT) == before
    again.client.__exit__(None, None, None)


def test_the_fallback_says_as_of_when_and_reads_the_stage_of_now(alone: Asking) -> None:
    alone.post("/events", body("a", 1, stage_after="Second"))
    answer = alone.get("/predict/goal-likelihood", student_id=STUDENT)
    assert answer["prediction_method"] == "vector_fallback"
    assert answer["current_stage"] == "Second"
    assert answer["posted_events"] == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"student_id": "nobody"}, "student_id 'nobody' is unknown"),
        ({"engagement_id": "x"}, "engagement_id 'x' is unknown"),
        ({"stage_after": "Decision"}, "stage_after 'Decision' is no stage"),
        ({"timestamp": "2031-01-01T00:00:00Z"}, "timestamp is in the future"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"value": "many"}, "value"),
        ({"event_id": ""}, "event_id"),
        ({"more": 1}, "more"),
    ],
)
def test_an_event_that_cannot_be_used_is_refused_with_all_others(
    asking: Asking, changes: dict[str, object], said: str
) -> None:
    events = [body("good", 1), {**body("bad", 2), **changes}]
    problem = asking.post("/events", {"events": events}, 422)
    assert said in problem["detail"] or said in str(problem["errors"])
    assert asking.gateway.events.of_student(STUDENT, 0) == ()


def test_times_without_an_offset_are_in_the_zone_of_the_data(asking: Asking) -> None:
    asking.post("/events", body("a", 1, timestamp="2021-07-10T12:30:00"))
    [event] = asking.gateway.events.of_student(STUDENT, 0)
    assert event.timestamp == int(np.datetime64("2021-07-10T12:30:00", "us").astype(np.int64))


def test_without_its_store_the_gateway_says_so(asking: Asking, tmp_path: Path) -> None:
    asking.gateway.events.close()
    for path in tmp_path.glob("events.sqlite*"):
        path.unlink()
    (tmp_path / "events.sqlite").mkdir()
    problem = asking.post("/events", body("a", 1), 503)
    assert problem["type"] == "urn:goalpath:problem:event-store-away"
    asking.get("/predict/risk", 503, student_id=STUDENT)
    assert asking.get("/health")["status"] == "degraded"
