"""A pushed version answers with what its model says, and refuses what it cannot answer."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from schemas import features, names
from schemas.errors import GoalpathError, InputError
from serving.catalogue import read_catalogue
from serving.pushed_model import (
    GivenEngagement,
    PushedModel,
    SignatureMismatchError,
    risk_level,
)
from serving.state_candidates import candidate_features, eligible
from serving.states import EndedStudentError, StudentState, read_state
from tests.pushed_run import ENDED_STUDENT, STRANGER, PushedRun
from tests.random_examples import Row, serialize, small_config
from tests.trained_run import AS_OF

pytestmark = pytest.mark.slow

Array = npt.NDArray[np.generic]
TOLERANCE = 1e-6
STUDENTS = ["s00000", *(f"s{n:05}" for n in range(3, 12))]


@pytest.fixture(name="model")
def _model(pushed: PushedRun, loads: list[str]) -> PushedModel:
    model = PushedModel(pushed.version_dir, pushed.config)
    assert loads == [str(pushed.version_dir)]
    return model


@pytest.fixture(name="saved")
def _saved(loaded: tf.Module) -> tf.types.experimental.ConcreteFunction:
    """The signature that no command uses, as a second way to the same numbers."""
    return loaded.signatures[names.SIGNATURE_DEFAULT]


def state_of(pushed: PushedRun, student: str) -> StudentState:
    return read_state(pushed.states_path, student)


def row_of(pushed: PushedRun, student: str) -> Row:
    (row,) = [row for row in pushed.states if row[names.STUDENT_ID] == [student.encode()]]
    return row


def candidates_of(pushed: PushedRun, row: Row) -> tuple[dict[str, Array], npt.NDArray[np.bool_]]:
    """Candidate features of the whole catalogue for a student, and which are eligible."""
    path = pushed.version_dir / names.ASSETS_EXTRA / names.CATALOGUE_FILE
    rows = read_catalogue(path, row[names.AUDIENCE][0])
    scalars = {**row, names.Q_ACTIVE[0]: row[names.Q_ACTIVE[0]][0]}
    window = pushed.config.ranking.window_days
    return candidate_features(scalars, rows, t=AS_OF), eligible(rows, t=AS_OF, window_days=window)


def answers(
    pushed: PushedRun, saved: tf.types.experimental.ConcreteFunction, row: Row
) -> dict[str, Array]:
    """What the model says of an Example made of the student and the whole catalogue."""
    candidates, _ = candidates_of(pushed, row)
    query = {spec.key: row[spec.key] for spec in features.query_features(pushed.config)}
    example = {**query, **{key: values.tolist() for key, values in candidates.items()}}
    outputs = saved(**{names.EXAMPLES_INPUT: tf.constant(serialize(pushed.config, [example]))})
    return {key: value.numpy()[0] for key, value in outputs.items()}


@pytest.mark.parametrize("student", STUDENTS[:4])
def test_likelihood_and_risk_are_the_models(
    pushed: PushedRun,
    model: PushedModel,
    saved: tf.types.experimental.ConcreteFunction,
    student: str,
) -> None:
    expected = answers(pushed, saved, row_of(pushed, student))
    prediction = model.predict(state_of(pushed, student))
    assert prediction.student_id == student
    assert prediction.stage == row_of(pushed, student)[names.Q_STAGE][0].decode()
    assert prediction.likelihood == pytest.approx(float(expected[names.LIKELIHOOD]), abs=TOLERANCE)
    assert prediction.risk == pytest.approx(float(expected[names.RISK]), abs=TOLERANCE)
    assert prediction.risk_level == risk_level(prediction.risk)
    assert prediction.given is None
    assert (prediction.likelihood_days, prediction.risk_days) == (28, 28)
    assert prediction.prediction_method == "full_model"


def test_students_differ(pushed: PushedRun, model: PushedModel) -> None:
    found = {round(model.predict(state_of(pushed, s)).likelihood, 5) for s in STUDENTS}
    assert len(found) == len(STUDENTS)


@pytest.mark.parametrize("is_open", [True, False])
def test_given_an_engagement_the_heads_answer_for_it_open_or_not(
    pushed: PushedRun,
    model: PushedModel,
    saved: tf.types.experimental.ConcreteFunction,
    is_open: bool,
) -> None:
    student = STUDENTS[0]
    row = row_of(pushed, student)
    candidates, can_have = candidates_of(pushed, row)
    place = int(np.flatnonzero(can_have == is_open)[3])
    engagement = candidates[names.C_ID][place].decode()
    expected = answers(pushed, saved, row)
    prediction = model.predict(state_of(pushed, student), engagement)
    assert prediction.given is not None
    assert dataclasses.asdict(prediction.given) == {
        "engagement_id": engagement,
        "eligible": is_open,
        "likelihood": pytest.approx(float(expected[names.LIKELIHOOD_GIVEN][place]), abs=TOLERANCE),
        "risk": pytest.approx(float(expected[names.RISK_GIVEN][place]), abs=TOLERANCE),
        "ranking_score": pytest.approx(float(expected[names.RANKING_SCORE][place]), abs=1e-5),
    }
    without = model.predict(state_of(pushed, student))
    assert dataclasses.replace(prediction, given=None) == without


def test_what_is_given_changes_with_the_engagement(pushed: PushedRun, model: PushedModel) -> None:
    state = state_of(pushed, STUDENTS[0])
    candidates, _ = candidates_of(pushed, row_of(pushed, STUDENTS[0]))
    ids = [i.decode() for i in candidates[names.C_ID].tolist()[:8]]
    given = [model.predict(state, i).given for i in ids]
    assert all(isinstance(entry, GivenEngagement) for entry in given)
    assert len({round(entry.likelihood, 6) for entry in given if entry}) > 4


@pytest.mark.parametrize("student", STUDENTS)
def test_recommendations_are_all_that_is_open_by_score(
    pushed: PushedRun,
    model: PushedModel,
    saved: tf.types.experimental.ConcreteFunction,
    student: str,
) -> None:
    row = row_of(pushed, student)
    candidates, can_have = candidates_of(pushed, row)
    scores = answers(pushed, saved, row)[names.RANKING_SCORE]
    ids = candidates[names.C_ID].astype("U")
    score_of = dict(zip(ids[can_have].tolist(), scores[can_have].tolist(), strict=True))
    type_of = dict(zip(ids.tolist(), candidates[names.C_TYPE].astype("U").tolist(), strict=True))
    ranked = model.recommend(state_of(pushed, student), 1000)
    assert 5 < len(ranked) < len(ids)
    assert {entry.engagement_id for entry in ranked} == set(score_of)
    assert [entry.rank for entry in ranked] == list(range(1, len(ranked) + 1))
    found = [entry.score for entry in ranked]
    assert found == sorted(found, reverse=True)
    assert found == pytest.approx([score_of[e.engagement_id] for e in ranked], abs=1e-5)
    assert all(entry.engagement_type == type_of[entry.engagement_id] for entry in ranked)


def test_top_k_cuts_the_list(pushed: PushedRun, model: PushedModel) -> None:
    state = state_of(pushed, STUDENTS[0])
    whole = model.recommend(state, 40)
    assert model.recommend(state, 1) == whole[:1]
    assert model.recommend(state, len(whole)) == whole
    assert model.recommend(state, len(whole) - 1) == whole[:-1]


@pytest.mark.parametrize("k", [0, -3])
def test_k_is_a_positive_integer(pushed: PushedRun, model: PushedModel, k: int) -> None:
    with pytest.raises(InputError, match=f"Received: {k}"):
        model.recommend(state_of(pushed, STUDENTS[0]), k)


def test_a_student_to_whom_nothing_is_open_gets_no_list_and_still_a_prediction(
    pushed: PushedRun, model: PushedModel
) -> None:
    state = state_of(pushed, STRANGER)
    assert model.recommend(state, 5) == []
    assert 0 < model.predict(state).likelihood < 1
    with pytest.raises(InputError, match="open to the student's audience"):
        model.predict(state, "e001")


def test_an_unknown_engagement_is_an_error(pushed: PushedRun, model: PushedModel) -> None:
    with pytest.raises(InputError, match="Received: 'e999'") as error:
        model.predict(state_of(pushed, STUDENTS[0]), "e999")
    assert error.value.exit_code == 2
    assert "goalpath recommend" in error.value.remedy


def test_nothing_is_said_of_a_student_who_has_ended(pushed: PushedRun, model: PushedModel) -> None:
    state = state_of(pushed, ENDED_STUDENT)
    with pytest.raises(EndedStudentError, match=ENDED_STUDENT):
        model.predict(state)
    with pytest.raises(EndedStudentError, match=ENDED_STUDENT):
        model.recommend(state, 3)


@pytest.mark.parametrize("gone", [names.Q_DAYS_IN_STAGE, names.USED_ID, names.TYPE_ACTIVE_ALL])
def test_a_state_that_lacks_a_column_is_not_guessed(
    pushed: PushedRun, model: PushedModel, gone: str
) -> None:
    state = state_of(pushed, STUDENTS[0])
    torn = StudentState({k: v for k, v in state.values.items() if k != gone}, ended=False)
    for ask in (lambda: model.predict(torn), lambda: model.recommend(torn, 3)):
        with pytest.raises(SignatureMismatchError, match=f"Received: no {gone}"):
            ask()


@pytest.mark.usefixtures("loads")
def test_a_model_of_another_configuration_is_found_out(pushed: PushedRun) -> None:
    config = small_config()
    students = config.tables.students.model_copy(update={"features": {}})
    other = config.model_copy(
        update={"tables": config.tables.model_copy(update={"students": students})}
    )
    model = PushedModel(pushed.version_dir, other)
    with pytest.raises(SignatureMismatchError, match="profile_age") as error:
        model.predict(state_of(pushed, STUDENTS[0]))
    assert error.value.where == f"signature {names.SIGNATURE_PREDICT}"


def test_a_model_that_does_not_load_is_named(pushed: PushedRun, tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"torn")
    with pytest.raises(GoalpathError, match="must load") as error:
        PushedModel(tmp_path, pushed.config)
    assert str(tmp_path) in error.value.where


@pytest.mark.parametrize(
    ("risk", "word"),
    [
        (0.0, "low"),
        (0.4, "low"),
        (0.41, "medium"),
        (0.7, "medium"),
        (0.71, "high"),
        (1.0, "high"),
    ],
)
def test_the_bounds_of_risk_belong_to_the_lower_level(risk: float, word: str) -> None:
    assert risk_level(risk) == word
