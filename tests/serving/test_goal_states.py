"""Goal questions about a student of a pushed version, and scores of all of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from schemas import names, patterns_files
from schemas.errors import DataError, UnknownStageError
from schemas.goal_answers import MODEL, RECORDED
from schemas.patterns_files import PatternsUnreadableError
from serving.bulk_scores import bulk_scores
from serving.goal_states import read_advisor, read_goal_parameters
from serving.goals.advisor import GoalAdvisor
from serving.pushed_model import PushedModel
from serving.states import read_state
from tests.pushed_run import ENDED_STUDENT, STRANGER, PushedRun

pytestmark = pytest.mark.slow

STUDENT = "s00003"


@pytest.fixture(name="model")
def _model(pushed: PushedRun, loads: list[str]) -> PushedModel:
    model = PushedModel(pushed.version_dir, pushed.config)
    assert loads
    return model


@pytest.fixture(name="advisor")
def _advisor(pushed: PushedRun) -> GoalAdvisor:
    return read_advisor(pushed.version_dir)


def test_advisor_and_signature_say_the_same_of_every_student(
    pushed: PushedRun, model: PushedModel, advisor: GoalAdvisor
) -> None:
    stages = pushed.config.stages
    batches = {
        goal: bulk_scores(model, pushed.states_path, pushed.config, goal, size=5) for goal in stages
    }
    for goal, scores in batches.items():
        rows = [row for batch in scores for row in batch.to_pylist()]
        assert [row[names.STUDENT_ID] for row in rows] == [
            state[names.STUDENT_ID][0].decode() for state in pushed.states
        ]
        for row in rows:
            state = model.goal_state(read_state(pushed.states_path, row[names.STUDENT_ID]))
            told = advisor.predict_goal_likelihood(state, goal)
            assert row["prediction_method"] == told.prediction_method
            assert row["goal"] == goal
            assert row[names.GOAL_LIKELIHOOD] == pytest.approx(told.likelihood, abs=1e-6)
            assert row[names.GOAL_LOWER] == pytest.approx(told.lower, abs=1e-6)
            assert row[names.GOAL_UPPER] == pytest.approx(told.upper, abs=1e-6)
            if row[names.STUDENT_ID] == ENDED_STUDENT:
                assert row[names.LIKELIHOOD] is None
                assert row[names.RISK] is None
                assert told.prediction_method == RECORDED
            else:
                assert state.heads is not None
                assert row[names.LIKELIHOOD] == pytest.approx(state.heads.likelihood, abs=1e-6)
                assert row[names.RISK] == pytest.approx(state.heads.risk, abs=1e-6)
    methods = {row["prediction_method"] for row in rows}
    assert methods == {MODEL, RECORDED}


def test_offers_are_what_is_open_with_the_heads_given_each(
    pushed: PushedRun, model: PushedModel
) -> None:
    stored = read_state(pushed.states_path, STUDENT)
    state = model.goal_state(stored)
    open_ids = {each.engagement_id for each in model.recommend(stored, 500)}
    assert {offer.engagement_id for offer in state.offers} == open_ids
    for offer in state.offers[:3]:
        given = model.predict(stored, offer.engagement_id).given
        assert given is not None
        assert offer.given.likelihood == pytest.approx(given.likelihood, abs=1e-6)
        assert offer.given.risk == pytest.approx(given.risk, abs=1e-6)
        assert offer.ranking_score == pytest.approx(given.ranking_score, abs=1e-5)
    assert len({offer.given.network[-1] for offer in state.offers}) > 1
    assert model.goal_state(stored, offers=False).offers == ()


def test_the_ended_and_those_to_whom_nothing_is_open_have_no_offers(
    pushed: PushedRun, model: PushedModel, advisor: GoalAdvisor
) -> None:
    ended = model.goal_state(read_state(pushed.states_path, ENDED_STUDENT))
    assert (ended.ended, ended.heads, ended.offers, ended.embedding) == (True, None, (), ())
    stranger = model.goal_state(read_state(pushed.states_path, STRANGER))
    assert stranger.heads is not None
    assert stranger.offers == ()
    assert advisor.recommend_for_goal(stranger, pushed.config.stages[-1], 3) == ()


def test_unknown_goal_names_the_stages(pushed: PushedRun, model: PushedModel) -> None:
    with pytest.raises(UnknownStageError, match=", ".join(pushed.config.stages)):
        next(bulk_scores(model, pushed.states_path, pushed.config, "graduated"))


@pytest.mark.parametrize(
    ("gone", "error"),
    [
        (names.GOAL_PARAMETERS_FILE, DataError),
        (patterns_files.PATTERNS_FILE, PatternsUnreadableError),
        (patterns_files.JOURNEYS_FILE, PatternsUnreadableError),
    ],
)
def test_a_version_without_its_parts_says_so(
    pushed: PushedRun, tmp_path: Path, gone: str, error: type[Exception]
) -> None:
    extra = pushed.version_dir / names.ASSETS_EXTRA
    own = Path(shutil.copytree(extra, tmp_path / names.ASSETS_EXTRA))
    (own / gone).write_text("{")
    with pytest.raises(error, match=gone):
        read_advisor(tmp_path)
    (own / gone).unlink()
    with pytest.raises(error, match=gone):
        read_advisor(tmp_path)


def test_scores_of_no_students(pushed: PushedRun, model: PushedModel, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "states.parquet"
    pq.write_table(pq.read_table(pushed.states_path).slice(0, 0), path)
    assert list(bulk_scores(model, path, pushed.config, pushed.config.stages[-1])) == []


def test_goal_alone_is_enough_for_a_client(pushed: PushedRun, loaded: tf.Module) -> None:
    outputs = loaded.signatures[names.SIGNATURE_GOAL].structured_outputs
    assert set(outputs) == {
        *names.GOAL_VALUES,
        names.GOAL_PROBABILITY,
        *names.OF_STUDENT,
        names.EMBEDDING,
    }
    stages = len(pushed.config.stages)
    assert np.shape(read_goal_parameters(pushed.version_dir).radii) == (stages, stages)
