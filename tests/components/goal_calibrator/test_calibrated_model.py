"""The SavedModel that answers `goal` is the trained one, and says what its parameters say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.goal_calibrator.calibrated_model import write_calibrated_model
from components.goal_calibrator.goal_export import export_with_goal
from components.goal_calibrator.read_rows import AskedBatches, answered_rows
from components.model_validator.goals import read_outputs
from schemas import names
from schemas.errors import ExportRejectedError, TrainingRefusedError
from schemas.goal_parameters import GoalParameters
from serving.goals.synthesis import Synthesis
from tests.small_patterns import small_patterns
from tests.trained_run import CALIBRATION_ROWS, TrainedRun
from trainer.example_batches import example_files
from trainer.export import run
from trainer.golden import MODEL_INPUTS, load_golden

pytestmark = pytest.mark.slow


@pytest.fixture(name="parameters")
def _parameters(trained: TrainedRun) -> GoalParameters:
    path = trained.calibrated / names.ASSETS_EXTRA / names.GOAL_PARAMETERS_FILE
    return GoalParameters.model_validate_json(path.read_text())


def test_goal_is_the_synthesis_of_what_the_other_signatures_say(
    trained: TrainedRun, parameters: GoalParameters
) -> None:
    loaded = tf.saved_model.load(str(trained.calibrated))
    golden = load_golden((trained.calibrated / names.ASSETS_EXTRA / names.GOLDEN_FILE).read_bytes())
    query = golden[names.SIGNATURE_GOAL]["inputs"]
    found = run(loaded.signatures[names.SIGNATURE_GOAL], query)
    # `predict` was asked about the same students with candidates: they change nothing here.
    heads = golden[names.SIGNATURE_PREDICT]["outputs"]
    embedded = golden[names.SIGNATURE_EMBED_STUDENT]["outputs"]
    outputs = read_outputs(query, {**heads, **embedded})
    expected = Synthesis(parameters).probabilities(outputs)
    np.testing.assert_allclose(found[names.GOAL_LIKELIHOOD], expected, atol=1e-6)
    for key in (*names.OF_STUDENT, names.GOAL_PROBABILITY):
        np.testing.assert_allclose(found[key], heads[key], atol=1e-6)
    np.testing.assert_array_equal(found[names.EMBEDDING], embedded[names.EMBEDDING])
    ahead = np.arange(len(parameters.stages)) > outputs.stage[:, None]
    assert np.ptp(found[names.GOAL_LIKELIHOOD][ahead]) > 0


def test_every_other_answer_is_the_trained_models_bit_for_bit(trained: TrainedRun) -> None:
    loaded = tf.saved_model.load(str(trained.calibrated))
    assert set(loaded.signatures) == set(names.SIGNATURES)
    own = trained.model / names.ASSETS_EXTRA
    golden = load_golden((own / names.GOLDEN_FILE).read_bytes())
    for signature in set(golden) - {MODEL_INPUTS}:
        again = run(loaded.signatures[signature], golden[signature]["inputs"])
        for key, value in golden[signature]["outputs"].items():
            np.testing.assert_array_equal(again[key], value, err_msg=f"{signature} {key}")
    extra = trained.calibrated / names.ASSETS_EXTRA
    for name in (names.CHECKSUMS_FILE, names.KERAS_FILE):
        assert (extra / name).read_bytes() == (own / name).read_bytes()
    records = list(tf.data.TFRecordDataset(str(extra / names.WARMUP_FILE)).as_numpy_iterator())
    before = list(tf.data.TFRecordDataset(str(own / names.WARMUP_FILE)).as_numpy_iterator())
    assert len(records) == len(before) + 1


def test_what_is_offered_next_is_answered_for_each_engagement(trained: TrainedRun) -> None:
    own = trained.model / names.ASSETS_EXTRA / names.GOLDEN_FILE
    golden = load_golden(own.read_bytes())
    given = golden[names.SIGNATURE_GOAL_GIVEN]["outputs"]
    scores = golden[names.SIGNATURE_PREDICT]["outputs"]
    for key in names.OF_ENGAGEMENT:
        np.testing.assert_allclose(given[key], scores[key], atol=1e-5)
    reach = given[names.GOAL_GIVEN]
    there = given[names.LIKELIHOOD_GIVEN] != names.PAD_PROBABILITY
    assert reach.shape[:2] == there.shape
    assert ((reach[there] >= 0) & (reach[there] <= 1)).all()
    assert (np.diff(reach[there], axis=-1) <= 0).all()
    assert np.ptp(reach[there][:, -1]) > 0


def test_rows_are_asked_about_in_the_order_of_their_labels(trained: TrainedRun) -> None:
    model = tf.saved_model.load(str(trained.model))
    files = example_files(trained.fn_args.eval_files)
    rows = answered_rows(files, trained.config, model.signatures)
    assert len(rows.labels.stage) == CALIBRATION_ROWS
    # The goal head knows the stage: it gives 1 up to it, and less to what is ahead.
    reached = np.arange(len(trained.config.stages)) <= rows.labels.stage[:, None]
    assert (rows.outputs.network[reached] == 1).all()
    assert (rows.outputs.network[~reached] < 1).all()
    assert rows.outputs.embedding.shape == (CALIBRATION_ROWS, trained.config.training.embedding_dim)
    asked = AskedBatches(trained.config, model.signatures)
    assert list(asked.each([])) == []


def test_a_golden_answer_that_is_not_given_again_stops_the_export(
    trained: TrainedRun, parameters: GoalParameters, tmp_path: Path
) -> None:
    loaded = tf.saved_model.load(str(trained.model))
    extra = Path(shutil.copytree(trained.model / names.ASSETS_EXTRA, tmp_path / "extra"))
    checksums = json.loads((extra / names.CHECKSUMS_FILE).read_text())
    changed = json.dumps(checksums).replace('"sha256": "', '"sha256": "0', 1)
    assert changed != json.dumps(checksums)
    (extra / names.CHECKSUMS_FILE).write_text(changed)
    with pytest.raises(ExportRejectedError):
        export_with_goal(loaded, extra, tmp_path / "new", parameters, trained.config)


def test_a_split_without_files_is_refused(trained: TrainedRun, tmp_path: Path) -> None:
    with pytest.raises(TrainingRefusedError, match="no file"):
        write_calibrated_model(
            trained.model,
            tmp_path / "new",
            train=trained.fn_args.train_files,
            calibration=[str(tmp_path / "none-*")],
            patterns=small_patterns(trained.config),
            config=trained.config,
        )
    assert not (tmp_path / "new").exists()
