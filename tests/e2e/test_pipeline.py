"""A small data set through the whole pipeline, as a user runs it."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from components.evaluator.importance import IMPORTANCE_FILE
from pipeline import cli
from pipeline.node_events import Happening
from pipeline.node_ids import (
    CONVERSION_PATTERNS,
    EVALUATOR,
    EVENT_EXAMPLE_GEN,
    EXAMPLE_VALIDATOR,
    GOAL_CALIBRATOR,
    IMPORT_SCHEMA_GEN,
    MODEL_PUSHER,
    MODEL_VALIDATOR,
    NODE_IDS,
    SERVING_BUNDLE,
    STATISTICS_GEN,
    TRAINER,
    TRANSFORM,
)
from pipeline.runner_names import BEAM, LOCAL
from schemas import names
from tests.e2e import small_data
from tests.e2e.conftest import Run
from tests.e2e.runs import MODEL, nodes_that

pytestmark = pytest.mark.e2e

Metrics = Mapping[str, Mapping[str, float]]

EDGES = (
    (EVENT_EXAMPLE_GEN, STATISTICS_GEN),
    (STATISTICS_GEN, EXAMPLE_VALIDATOR),
    (IMPORT_SCHEMA_GEN, EXAMPLE_VALIDATOR),
    (EXAMPLE_VALIDATOR, TRANSFORM),
    (TRANSFORM, TRAINER),
    (TRAINER, CONVERSION_PATTERNS),
    (CONVERSION_PATTERNS, GOAL_CALIBRATOR),
    (GOAL_CALIBRATOR, SERVING_BUNDLE),
    (SERVING_BUNDLE, EVALUATOR),
    (SERVING_BUNDLE, MODEL_VALIDATOR),
    (EVALUATOR, MODEL_PUSHER),
    (MODEL_VALIDATOR, MODEL_PUSHER),
)


def version_of(run: Run) -> Path:
    return run.out / "serving" / MODEL / run.summary["version"]


def states(run: Run, student: str) -> dict[str, Any]:
    table = pq.read_table(run.out / "states" / run.summary["version"] / "states.parquet")
    (row,) = (row for row in table.to_pylist() if row["student_id"] in (student, student.encode()))
    return dict(row)


def ask(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert cli.main([*map(str, arguments), "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_the_first_run_pushes(first: Run) -> None:
    assert first.done.code == 0, first.done.err
    assert (first.summary["status"], first.summary["exit_code"]) == ("pushed", 0)
    assert first.summary["baseline"]["version"] == ""
    assert first.summary["as_of"] == "2025-02-17T00:00:00+00:00"
    assert f"Pushed version {first.summary['version']}" in first.done.out
    assert all(blessing["blessed"] for blessing in first.summary["blessings"])


def test_every_node_runs_once_and_after_those_it_depends_on(first: Run) -> None:
    started = nodes_that(Happening.STARTED, first.happenings)
    assert sorted(started) == sorted(NODE_IDS)
    assert nodes_that(Happening.RAN, first.happenings) == started, "one after the other"
    for before, after in EDGES:
        assert started.index(before) < started.index(after), (before, after)
    assert {node["node"]: node["state"] for node in first.summary["nodes"]} == dict.fromkeys(
        NODE_IDS, "ran"
    )


def test_ml_metadata_has_the_same_nodes_in_the_same_order(first: Run) -> None:
    from ml_metadata.proto import metadata_store_pb2

    from pipeline.executions import open_store

    store = open_store(first.out / "metadata.sqlite")
    (run,) = (c for c in store.get_contexts() if c.name == first.summary["run_id"])
    executions = sorted(
        store.get_executions_by_context(run.id), key=lambda e: e.create_time_since_epoch
    )
    nodes = [
        context.name.removeprefix("goalpath.")
        for execution in executions
        for context in store.get_contexts_by_execution(execution.id)
        if context.type == "node"
    ]
    assert nodes == nodes_that(Happening.STARTED, first.happenings)
    complete = metadata_store_pb2.Execution.COMPLETE
    assert {execution.last_known_state for execution in executions} == {complete}


def test_what_is_pushed_is_whole(first: Run) -> None:
    assert first.served == {int(first.summary["version"]): []}
    assert first.summary["version_path"] == str(version_of(first))


def test_which_features_moved_the_heads_is_written_beside_the_metrics(first: Run) -> None:
    (path,) = (first.out / "pipeline").glob(f"Evaluator/evaluation/*/{IMPORTANCE_FILE}")
    importance = json.loads(path.read_text())
    assert set(importance) == set(names.HEADS)
    for head, sizes in importance.items():
        assert list(sizes.values()) == sorted(sizes.values(), reverse=True)
        assert next(iter(sizes.values())) > 0, head
    of_a_student = {f for f, size in importance[names.RISK].items() if size > 0}
    assert not any(feature.startswith(names.CANDIDATE_PREFIX) for feature in of_a_student)


def test_bad_rows_are_set_aside_and_counted_and_the_run_goes_on(first: Run) -> None:
    assert first.summary["quarantined_rows"] == {
        "students": 0,
        "engagements": 0,
        "events": small_data.BAD_ROWS,
        "stage_changes": 0,
    }
    assert "Rows set aside: 2 of events" in first.done.out
    with (first.out / "data" / "quarantine" / "events.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["engagement_id"] for row in rows][1] == "E9999"
    assert ["duplicate" in row["reason"] for row in rows] == [True, False]


def test_progress_goes_to_standard_error_and_chatter_to_the_log(first: Run) -> None:
    lines = first.done.err.splitlines()
    assert all(line.startswith(("[", "Checking", "Starting TFX")) for line in lines), first.done.err
    assert sum(line.endswith("started") or " in)" in line for line in lines) == len(NODE_IDS)
    assert Path(first.summary["log"]).stat().st_size > 10_000


def test_the_same_again_comes_from_the_cache_and_pushes_nothing(first: Run, again: Run) -> None:
    assert again.done.code == 0, again.done.err
    assert (again.summary["status"], again.summary["pushed_now"]) == ("unchanged", False)
    assert sorted(nodes_that(Happening.CACHED, again.happenings)) == sorted(NODE_IDS)
    assert nodes_that(Happening.RAN, again.happenings) == []
    assert again.summary["version"] == first.summary["version"]
    assert again.summary["metrics"] == first.summary["metrics"]
    assert again.served == first.served


def test_another_configuration_is_compared_with_the_pushed_version(first: Run, strict: Run) -> None:
    ran = nodes_that(Happening.RAN, strict.happenings)
    assert set(NODE_IDS) - set(ran) == {IMPORT_SCHEMA_GEN}
    baseline = strict.summary["baseline"]
    assert (baseline["version"], baseline["skipped"]) == (first.summary["version"], "")
    require_equal(baseline["metrics"]["overall"], first.summary["metrics"]["overall"])


def test_a_threshold_that_is_missed_is_said_and_nothing_is_pushed(first: Run, strict: Run) -> None:
    assert strict.done.code == 3, strict.done.err
    assert (strict.summary["status"], strict.summary["exit_code"]) == ("not_blessed", 3)
    assert strict.summary["version"] == ""
    evaluator, validator = strict.summary["blessings"]
    auc = strict.summary["metrics"]["overall"][names.RISK]["auc"]
    assert evaluator["reasons"] == [f"risk auc is {auc:.4g}, must be at least 1"]
    assert (evaluator["blessed"], validator["blessed"]) == (False, True)
    assert f"Not pushed:\n  Evaluator: {evaluator['reasons'][0]}" in strict.done.out
    assert strict.served == first.served


def test_a_model_trained_worse_than_the_pushed_one_is_not_blessed(first: Run, worse: Run) -> None:
    assert worse.done.code == 3, worse.done.err
    baseline = worse.summary["baseline"]
    assert (baseline["version"], baseline["skipped"]) == (first.summary["version"], "")
    evaluator, validator = worse.summary["blessings"]
    # It is a sound export of a model that learned nothing: only the comparison can tell.
    assert (evaluator["blessed"], validator["blessed"]) == (False, True)
    before, now = (run.summary["metrics"]["overall"] for run in (first, worse))
    fell = [
        head
        for head in (names.LIKELIHOOD, names.RISK)
        if now[head]["auc"] < before[head]["auc"] - 0.02
    ]
    assert fell
    assert [reason.split()[:2] for reason in evaluator["reasons"]] == [[h, "auc"] for h in fell]
    assert worse.served == first.served


def test_the_local_runner_finds_what_beam_finds(first: Run, strict: Run) -> None:
    assert (first.summary["inputs"]["runner"], strict.summary["inputs"]["runner"]) == (BEAM, LOCAL)
    assert strict.summary["inputs"]["fingerprint"] == first.summary["inputs"]["fingerprint"]
    assert strict.summary["examples"] == first.summary["examples"]
    assert set(first.summary["metrics"]) == set(strict.summary["metrics"])
    require_equal(strict.summary["metrics"]["overall"], first.summary["metrics"]["overall"])


def require_equal(found: Metrics, expected: Metrics) -> None:
    """Another thread may add in another order; nothing else may differ."""
    assert set(found) == set(expected) == {names.RANKING_SCORE, names.LIKELIHOOD, names.RISK}
    for head, metrics in expected.items():
        assert found[head] == pytest.approx(metrics, rel=1e-3, abs=1e-4), head


def test_prediction_and_recommendation_agree(
    first: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    who = ("--out", first.out, "--student", small_data.NEWCOMER)
    ranked = ask(capsys, "recommend", *who, "--top-k", 5)["recommendations"]
    assert [entry["rank"] for entry in ranked] == [1, 2, 3, 4, 5]
    last = ranked[-1]
    predicted = ask(capsys, "predict", *who, "--engagement", last["engagement_id"])
    assert predicted["given"]["eligible"]
    assert predicted["given"]["ranking_score"] == pytest.approx(last["score"], abs=1e-5)
    assert predicted["version"] == int(first.summary["version"])


def test_predict_says_what_the_model_says_of_the_example(
    first: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    import tensorflow as tf

    model = tf.saved_model.load(str(version_of(first)))
    examples = serving_examples(first)
    without_events = (small_data.NEWCOMER, small_data.UNSEEN)
    with_events = min(set(examples) - set(without_events))
    for student in (with_events, *without_events):
        inputs = tf.constant([examples[student]])
        outputs = model.signatures[names.SIGNATURE_DEFAULT](**{names.EXAMPLES_INPUT: inputs})
        predicted = ask(capsys, "predict", "--out", first.out, "--student", student)
        for head in (names.LIKELIHOOD, names.RISK):
            assert predicted[head] == pytest.approx(float(outputs[head][0]), abs=1e-6)
            assert 0 < predicted[head] < 1
        assert predicted["student_id"] == student


def serving_examples(run: Run) -> dict[str, bytes]:
    """Student -> the Example of the states as of the end, as EventExampleGen wrote it."""
    import tensorflow as tf

    files = [str(path) for path in run.out.glob("pipeline/*/examples/*/Split-serving/*")]
    first_files = [path for path in files if f"/{_oldest_examples(run)}/" in path]
    found = {}
    for record in tf.data.TFRecordDataset(first_files, _compression(first_files)):
        example = tf.train.Example.FromString(record.numpy())
        found[example.features.feature[names.STUDENT_ID].bytes_list.value[0].decode()] = (
            record.numpy()
        )
    return found


def _oldest_examples(run: Run) -> int:
    """The folder of the first run, and not of a later one of the same output folder."""
    return min(int(path.name) for path in run.out.glob("pipeline/*/examples/*"))


def _compression(files: list[str]) -> str:
    return "GZIP" if Path(files[0]).read_bytes()[:2] == b"\x1f\x8b" else ""


def test_recommend_says_what_the_model_says_of_the_state(
    first: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    import tensorflow as tf

    model = tf.saved_model.load(str(version_of(first)))
    function = model.signatures[names.SIGNATURE_RECOMMEND]
    state = {**states(first, small_data.NEWCOMER), names.TOP_K_INPUT: 3}
    outputs = function(
        **{
            key: tf.constant(_tensor(state, key, spec.shape.rank), spec.dtype)
            for key, spec in function.structured_input_signature[1].items()
        }
    )
    who = ("--out", first.out, "--student", small_data.NEWCOMER)
    ranked = ask(capsys, "recommend", *who, "--top-k", 3)["recommendations"]
    ids = [text.decode() for text in outputs[names.RECOMMENDED_ID].numpy()[0]]
    assert [entry["engagement_id"] for entry in ranked] == ids
    assert [entry["score"] for entry in ranked] == pytest.approx(
        outputs[names.RECOMMENDED_SCORE].numpy()[0].tolist(), abs=1e-6
    )


def _tensor(state: Mapping[str, Any], key: str, rank: int) -> Any:
    if key not in state:
        return np.empty(0, object if "popularity" not in key else np.float32)
    return state[key] if rank == 0 else [state[key]]


def test_a_student_that_is_not_there_is_bad_input(
    first: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("predict", "recommend"):
        assert cli.main([command, "--out", str(first.out), "--student", "nobody"]) == 2
        err = capsys.readouterr().err
        assert "'nobody'" in err
        assert "remedy:" in err
