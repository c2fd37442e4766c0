"""`run_fn`: what it writes, and what it refuses before it trains."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
import tensorflow_transform as tft

from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import DataError, TrainingRefusedError
from tests.random_examples import Row, random_rows, serialize, write_examples
from tests.trained_run import TRAIN_ROWS, TrainedRun, train_rows
from trainer.train import run_fn, train

pytestmark = pytest.mark.slow


def label_counts(rows: list[Row], label: str, weight: str) -> dict[str, int]:
    known = [row[label][0] for row in rows if row[weight][0] > 0]
    return {
        "known": len(known),
        "positive": sum(value > 0 for value in known),
        "negative": sum(value == 0 for value in known),
    }


def test_the_history_says_what_was_learned_from_and_how_it_went(trained: TrainedRun) -> None:
    history = json.loads((trained.model_run / names.HISTORY_FILE).read_text())
    rows = train_rows(trained.config)
    batch = trained.config.training.batch_size
    assert history["examples"] == TRAIN_ROWS
    assert history["steps_per_epoch"] == math.ceil(TRAIN_ROWS / batch)
    lists = [row for row in rows if row[names.RANKING_WEIGHT][0] > 0]
    grades = [grade for row in lists for grade in row[names.C_GRADE]]
    assert history["labels"] == {
        names.LIKELIHOOD: label_counts(rows, names.LIKELIHOOD_LABEL, names.LIKELIHOOD_WEIGHT),
        names.RISK: label_counts(rows, names.RISK_LABEL, names.RISK_WEIGHT),
        names.RANKING_SCORE: {
            "known": len(lists),
            "positive": sum(grade > 0 for grade in grades),
            "negative": sum(grade == 0 for grade in grades),
        },
    }
    validation = [epoch["validation_loss"] for epoch in history["epochs"]]
    assert history["best_epoch"] == 1 + validation.index(min(validation))
    for head in names.LOSSES:
        first, last = history["epochs"][0], history["epochs"][-1]
        assert last["losses"][head] < first["losses"][head]
    progress = json.loads((trained.model_run / names.PROGRESS_FILE).read_text())
    assert progress["epoch"] == len(history["epochs"])


def test_a_warm_start_begins_where_the_version_ended(trained: TrainedRun, tmp_path: Path) -> None:
    """The same data again: nothing begins afresh, and the first epoch starts low."""
    config = trained.config.model_copy(
        update={"training": trained.config.training.model_copy(update={"epochs": 1})}
    )
    train(
        config,
        tft.TFTransformOutput(str(trained.transform)),
        [str(trained.root / "train" / "data-00000-of-00001")],
        [str(trained.root / "calibration" / "data-00000-of-00001")],
        run_dir=str(tmp_path),
        begin_from=str(trained.model),
    )
    cold = json.loads((trained.model_run / names.HISTORY_FILE).read_text())
    warm = json.loads((tmp_path / names.HISTORY_FILE).read_text())
    assert cold["warm_start"] is None
    assert warm["warm_start"]["version"] == trained.model.name
    assert warm["warm_start"]["fresh"] == []
    assert len(warm["warm_start"]["taken"]) > 30
    first = sum(warm["epochs"][0]["losses"].values())
    assert first < 0.9 * sum(cold["epochs"][0]["losses"].values())


def refusal(
    trained: TrainedRun, folder: Path, rows: list[Row], config: GoalpathConfig | None = None
) -> TrainingRefusedError:
    config = config or trained.config
    path = folder / "examples"
    write_examples(path, serialize(config, rows))
    transform = tft.TFTransformOutput(str(trained.transform))
    with pytest.raises(TrainingRefusedError) as error:
        train(config, transform, [str(path)], [str(path)], run_dir=str(folder / "run"))
    assert error.value.where == "the training split"
    assert not (folder / "run").exists()
    return error.value


def test_labels_that_are_all_unknown_are_refused_before_training(
    trained: TrainedRun, tmp_path: Path
) -> None:
    rows = random_rows(trained.config, 40, seed=6)
    for row in rows:
        row[names.RISK_WEIGHT] = [0.0]
    error = refusal(trained, tmp_path, rows)
    assert error.rule == "the labels of risk must be known for some Examples, and must differ."
    assert error.received == "0 known of 40 Examples, 0 positive, 0 negative"


def test_one_example_teaches_nothing(trained: TrainedRun, tmp_path: Path) -> None:
    error = refusal(trained, tmp_path, random_rows(trained.config, 1, seed=6))
    assert "1 known of 1 Examples" in error.received


def test_a_split_without_an_example_is_refused(trained: TrainedRun, tmp_path: Path) -> None:
    assert refusal(trained, tmp_path, []).received == "0 Examples"


def test_without_its_catalogue_nothing_is_trained(trained: TrainedRun, tmp_path: Path) -> None:
    run = TrainedRun(trained.config, tmp_path)
    shutil.copytree(trained.root / "train", tmp_path / "train")
    with pytest.raises(DataError, match="catalogue"):
        run_fn(run.fn_args)
    assert not run.model_run.exists()
