"""Evaluator on a small SavedModel: without a baseline, with a better and a worse one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.evaluator.simple_peers import PEERS_FILE
from schemas import names
from schemas.config import EvaluationConfig, GoalpathConfig, Kind, TableConfig, TablesConfig

pytestmark = pytest.mark.slow

TRUE_SLOPE = 2.0
Evaluate = Callable[..., Any]


def config(**evaluation: object) -> GoalpathConfig:
    students = TableConfig(features={"region": Kind.CATEGORICAL})
    return GoalpathConfig(
        name="tiny",
        stages=("First", "Second"),
        default_goal="Second",
        tables=TablesConfig(students=students),
        evaluation=EvaluationConfig(**evaluation),
    )


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.components.evaluator import tiny_model

    folder = tmp_path_factory.mktemp("examples")
    tiny_model.write_examples(folder / "Split-eval", count=400, seed=7)
    tiny_model.write_examples(folder / "Split-train", count=100, seed=8)
    return folder


@pytest.fixture
def evaluate(tmp_path: Path, examples: Path) -> Evaluate:
    def run(
        slope: float,
        pushed: dict[str, float] | None = None,
        settings: GoalpathConfig | None = None,
        pushed_settings: GoalpathConfig | None = None,
        baseline: str = "latest",
    ) -> tuple[Any, Path]:
        from tests.components.evaluator import tiny_model

        tiny_model.save_model(tmp_path / "model" / "Format-Serving", slope)
        for version, pushed_slope in (pushed or {}).items():
            folder = tmp_path / "serving" / version
            tiny_model.save_model(folder, pushed_slope)
            extra = folder / names.ASSETS_EXTRA
            extra.mkdir()
            made_with = (pushed_settings or settings or config()).model_dump(mode="json")
            (extra / names.MANIFEST_FILE).write_text(json.dumps({"config": made_with}))
        return _execute(tmp_path, examples, settings or config(), baseline)

    return run


def _execute(folder: Path, examples: Path, settings: GoalpathConfig, baseline: str):
    from tfx.types import artifact_utils, standard_artifacts
    from tfx.utils import json_utils, proto_utils

    from components.evaluator.executor import Executor
    from pipeline.beam_options import LOCAL_BEAM_ARGS
    from pipeline.eval_config import build_eval_config

    def artifact(kind: Any, uri: Path) -> Any:
        made = kind()
        made.uri = str(uri)
        return made

    data = artifact(standard_artifacts.Examples, examples)
    data.split_names = artifact_utils.encode_split_names(["train", "eval"])
    blessing = artifact(standard_artifacts.ModelBlessing, folder / "blessing")
    evaluation = artifact(standard_artifacts.ModelEvaluation, folder / "evaluation")
    context = Executor.Context(
        beam_pipeline_args=list(LOCAL_BEAM_ARGS), tmp_dir=str(folder), unique_id="1"
    )
    Executor(context).Do(
        {"examples": [data], "model": [artifact(standard_artifacts.Model, folder / "model")]},
        {"evaluation": [evaluation], "blessing": [blessing]},
        {
            "config": settings.model_dump_json(),
            "eval_config": proto_utils.proto_to_json(build_eval_config(settings)),
            "example_splits": json_utils.dumps(["eval"]),
            "module_path": "components.evaluator.extractors",
            "serving_dir": str(folder / "serving"),
            "baseline": baseline,
            "fairness_indicator_thresholds": "null",
        },
    )
    return blessing, Path(evaluation.uri)


def test_a_good_first_model_is_blessed_and_measured_by_head_and_slice(
    evaluate: Evaluate, examples: Path
) -> None:
    from pipeline.evaluation_results import read_metrics, read_missed_thresholds

    blessing, evaluation = evaluate(
        TRUE_SLOPE, settings=config(slices=("region",), min_ndcg_at_10=0.99)
    )
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_string_custom_property("baseline_version") == ""
    assert read_missed_thresholds(evaluation) == []
    metrics = read_metrics(evaluation, has_baseline=False)
    assert list(metrics) == ["overall", "profile_region=north", "stage=First", "stage=Second"]
    assert metrics["overall"] == metrics["profile_region=north"]
    expected = _by_hand(examples, TRUE_SLOPE)
    for head, values in expected.items():
        measured = metrics["overall"][head]
        assert {name: measured[name] for name in values} == pytest.approx(values, abs=1e-6)


def _by_hand(examples: Path, slope: float) -> dict[str, dict[str, float]]:
    """AUC, log loss and recall from the Examples themselves, by scikit-learn and counting."""
    import numpy as np
    import tensorflow as tf
    from sklearn import metrics

    from tests.components.evaluator import tiny_model

    rows = []
    for record in tf.data.TFRecordDataset(str(examples / "Split-eval" / "data-00000")):
        features = tf.train.Example.FromString(record.numpy()).features.feature
        rows.append({key: list(value.float_list.value) for key, value in features.items()})
    known = [row for row in rows if row[names.LIKELIHOOD_WEIGHT] == [1.0]]
    labels = np.array([row[names.LIKELIHOOD_LABEL][0] for row in known])
    signal = np.array([row[tiny_model.SIGNAL][0] for row in known])
    probability = 1 / (1 + np.exp(-slope * signal))
    lists = [row for row in rows if row[names.RANKING_WEIGHT] == [1.0]]
    found = []
    for row in lists:
        order = np.argsort(-np.array(row[tiny_model.POPULARITY]))[:10]
        grades = np.array(row[names.C_GRADE])
        found.append(grades[order].sum() / grades.sum())
    return {
        names.LIKELIHOOD: {
            "auc": metrics.roc_auc_score(labels, probability),
            "pr_auc": metrics.average_precision_score(labels, probability),
            "log_loss": metrics.log_loss(labels, probability),
            "brier": metrics.brier_score_loss(labels, probability),
            "weight": float(len(known)),
        },
        names.RISK: {"auc": metrics.roc_auc_score(1 - labels, 1 - probability)},
        names.RANKING_SCORE: {
            "ndcg_at_10": 1.0,
            "recall_at_10": float(np.mean(found)),
            "lists": float(len(lists)),
        },
    }


def test_a_model_that_knows_nothing_is_not_blessed_and_the_reasons_are_named(
    evaluate: Evaluate,
) -> None:
    from pipeline.evaluation_results import read_missed_thresholds

    blessing, evaluation = evaluate(0.0, settings=config(min_ndcg_at_10=0.99))
    assert blessing.get_int_custom_property("blessed") == 0
    missed = {(each.head, each.metric): each for each in read_missed_thresholds(evaluation)}
    auc = missed[names.LIKELIHOOD, "auc"]
    assert (auc.value, auc.at_least, auc.is_change) == (0.5, 0.55, False)
    assert (names.RISK, "auc") in missed
    assert (names.RANKING_SCORE, "ndcg_at_10") in missed


def test_a_model_behind_popularity_is_not_blessed_and_the_peer_is_named(
    evaluate: Evaluate,
) -> None:
    from pipeline.evaluation_results import read_missed_thresholds

    # Grades follow popularity, and a slope below 0 turns the ranking around.
    blessing, evaluation = evaluate(-TRUE_SLOPE, settings=config(min_ndcg_at_10=0.0))
    assert blessing.get_int_custom_property("blessed") == 0
    (ranking,) = [
        each for each in read_missed_thresholds(evaluation) if each.head == names.RANKING_SCORE
    ]
    assert ranking.at_least == pytest.approx(1.0)
    assert ranking.describe().endswith("as popularity of the last 7 days alone reaches")
    told = json.loads((evaluation / PEERS_FILE).read_text())
    assert told[names.RANKING_SCORE]["figure"] == pytest.approx(1.0)
    assert told[names.RISK]["figure"] == pytest.approx(0.5, abs=0.07)
    # Without the peers it would have been let through.
    alone = config(
        min_ndcg_at_10=0.0,
        min_likelihood_auc=0.0,
        min_risk_auc=0.0,
        min_log_loss_skill=None,
        beat_simple_peers=False,
    )
    blessing, _ = evaluate(-TRUE_SLOPE, settings=alone)
    assert blessing.get_int_custom_property("blessed") == 1


def test_a_confident_and_wrong_model_fails_the_constant_too(evaluate: Evaluate) -> None:
    from pipeline.evaluation_results import read_missed_thresholds

    _, evaluation = evaluate(40.0)
    missed = {(each.head, each.metric) for each in read_missed_thresholds(evaluation)}
    # Order is right, probabilities are not.
    assert missed == {(names.LIKELIHOOD, "log_loss_skill"), (names.RISK, "log_loss_skill")}


def test_a_model_as_good_as_the_newest_version_is_blessed(evaluate: Evaluate) -> None:
    from pipeline.evaluation_results import read_baseline_metrics, read_metrics

    blessing, evaluation = evaluate(TRUE_SLOPE, pushed={"3": -1.0, "20": TRUE_SLOPE})
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_string_custom_property("baseline_version") == "20"
    candidate = read_metrics(evaluation, has_baseline=True)
    assert candidate == read_baseline_metrics(evaluation)
    assert candidate["overall"][names.LIKELIHOOD]["auc"] > 0.8


def test_a_model_worse_than_the_version_is_not_blessed(evaluate: Evaluate) -> None:
    from pipeline.evaluation_results import read_missed_thresholds

    lenient = config(
        min_likelihood_auc=0.0, min_risk_auc=0.0, min_ndcg_at_10=0.0, min_log_loss_skill=None
    )
    blessing, evaluation = evaluate(0.0, pushed={"3": TRUE_SLOPE}, settings=lenient)
    assert blessing.get_int_custom_property("blessed") == 0
    missed = {(each.head, each.metric): each for each in read_missed_thresholds(evaluation)}
    assert set(missed) == {
        (names.LIKELIHOOD, "auc"),
        (names.RISK, "auc"),
        (names.RANKING_SCORE, "ndcg_at_10"),
    }
    change = missed[names.RISK, "auc"]
    assert change.is_change
    assert change.at_least == -0.02
    assert change.value is not None
    assert change.value < -0.3


def test_a_version_can_be_named_and_none_can(evaluate: Evaluate) -> None:
    blessing, _ = evaluate(TRUE_SLOPE, pushed={"3": 0.0, "20": TRUE_SLOPE}, baseline="3")
    assert blessing.get_string_custom_property("baseline_version") == "3"


def test_a_version_that_reads_other_features_is_not_compared_with(evaluate: Evaluate) -> None:
    more = config().model_copy(
        update={
            "tables": TablesConfig(students=TableConfig(features={"taken_out": Kind.CATEGORICAL}))
        }
    )
    blessing, _ = evaluate(TRUE_SLOPE, pushed={"3": TRUE_SLOPE}, pushed_settings=more)
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_string_custom_property("baseline_version") == ""
    assert "profile_taken_out" in blessing.get_string_custom_property("baseline_skipped")
