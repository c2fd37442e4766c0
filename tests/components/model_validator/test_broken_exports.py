"""Exports that are broken in known ways, each rejected for its own reason.

Those of saving and loading are made in files. Some of what is computed is looked at
before it is saved, which saves the time to save and load it.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from schemas import names
from tests.components.model_validator.forge import Call, Forge, Tensors, remove, sign
from tests.random_examples import small_config
from trainer.model import build_model
from trainer.train import vocabulary_sizes

pytestmark = pytest.mark.slow

GOLDEN = {f"golden_{signature}" for signature in names.SIGNATURES}
GOLDEN_SCORES = {"golden_serving_default", "golden_predict"}
NOT_TRAINED = "its values are not the trained ones"


def test_what_was_trained_passes_every_check(forge: Forge) -> None:
    assert forge.failures(forge.good) == {}


def test_weights_zeroed(forge: Forge, tmp_path: Path) -> None:
    with forge.weights_changed({"": 0.0}):
        bundle = forge.restored(tmp_path, forge.model.serving.weights)
    failed = forge.failures(bundle)
    assert NOT_TRAINED in failed["variables"]
    assert "no stored variable has its values" in failed["checkpoint"]
    assert "risk differs from its golden values" in failed["golden_predict"]
    # The sigmoid of 0, for everybody.
    assert "risk differs" in failed["keras_outputs"]
    assert failed["heads_not_constant"].startswith("ranking_score: ")
    assert "likelihood: " in failed["heads_not_constant"]
    assert "manifest" not in failed
    assert "keras_file" not in failed


def test_one_layer_not_restored(forge: Forge, tmp_path: Path) -> None:
    with forge.weights_changed({"risk_head/output/kernel": None}) as changed:
        bundle = forge.restored(tmp_path, forge.model.serving.weights)
    (path,) = changed
    failed = forge.failures(bundle)
    assert failed["variables"] == f"{path}: {NOT_TRAINED}"
    assert f"{path} [8, 1]: no stored variable has its values" in failed["checkpoint"]
    assert failed["golden_predict"].startswith("risk differs from its golden values")
    # Nothing but the comparison with what was trained can tell: the head is alive.
    assert set(failed) == {
        "variables",
        "checkpoint",
        "keras_outputs",
        "golden_goal",
        "golden_goal_given",
        *GOLDEN_SCORES,
    }


def test_weights_of_another_architecture(forge: Forge, tmp_path: Path) -> None:
    config = small_config(hidden_units=(24, 16))
    other = build_model(config, vocabulary_sizes(config, forge.transform_output()))
    bundle = forge.restored(tmp_path, other.serving.weights)
    failed = forge.failures(bundle)
    assert "shape" in failed["loads"].lower()
    assert "32" in failed["loads"]
    assert "24" in failed["loads"]
    assert failed["checkpoint"].startswith("embed_")
    assert "no stored variable has its values; and" in failed["checkpoint"]
    assert {"variables", "signatures_agree", "recommend_order"} | GOLDEN <= set(failed)
    assert not {"manifest", "same_as_trained", "keras_file"} & set(failed)


def _swapped(good: Call, inputs: Tensors) -> Tensors:
    scores = good(inputs)
    return {**scores, names.LIKELIHOOD: scores[names.RISK], names.RISK: scores[names.LIKELIHOOD]}


def test_two_heads_swapped(forge: Forge, tmp_path: Path) -> None:
    functions = forge.scores_rewired(_swapped)
    bundle = forge.exported(tmp_path, functions)
    failed = forge.failures(bundle)
    assert "what is explained differs from what is predicted" in failed.pop("attribution")
    assert "risk differs from what its signature says" in failed.pop("goals")
    assert set(failed) == GOLDEN_SCORES | {"keras_outputs"}
    for detail in failed.values():
        assert "likelihood differs" in detail
        assert "risk differs" in detail
        assert "ranking_score" not in detail


def test_two_heads_swapped_by_the_trainer_itself(forge: Forge, tmp_path: Path) -> None:
    functions = forge.scores_rewired(_swapped)
    bundle = forge.believed(forge.copy(tmp_path), functions)
    failed = forge.failures(bundle, functions, believed=True)
    assert "what is explained differs from what is predicted" in failed.pop("attribution")
    assert "risk differs from what its signature says" in failed.pop("goals")
    assert set(failed) == {"keras_outputs"}
    assert "likelihood differs" in failed["keras_outputs"]
    assert "between model.keras and predict" in failed["keras_outputs"]


def test_a_constant_head(forge: Forge, tmp_path: Path) -> None:
    dead = {"likelihood_head/output/kernel": 0.0, "likelihood_head/query/kernel": 0.0}
    with forge.weights_changed(dead) as changed:
        assert len(changed) == 2
        bundle = forge.restored(tmp_path, forge.model.serving.weights)
        forge.believed(bundle, forge.functions)
    failed = forge.failures(bundle, believed=True)
    assert set(failed) == {"heads_not_constant", "heads_sensitive"}
    assert failed["heads_not_constant"].startswith("likelihood_given: ")
    assert "; likelihood: " in failed["heads_not_constant"]
    assert "risk" not in failed["heads_not_constant"]
    assert (
        "likelihood: 100% of the values stay the same with other student inputs"
        in (failed["heads_sensitive"])
    )


def _risk_is_not_likely(good: Call, inputs: Tensors) -> Tensors:
    scores = good(inputs)
    return {**scores, names.RISK: 1 - scores[names.LIKELIHOOD]}


def test_a_head_that_copies_another(forge: Forge, tmp_path: Path) -> None:
    functions = forge.scores_rewired(_risk_is_not_likely)
    bundle = forge.believed(forge.exported(tmp_path, functions), functions)
    failed = forge.failures(bundle, believed=True)
    assert failed.pop("keras_outputs").startswith("risk differs")
    assert "what is explained differs from what is predicted" in failed.pop("attribution")
    assert "risk differs from what its signature says" in failed.pop("goals")
    assert failed == {
        "heads_independent": "risk orders rows as likelihood does (Spearman -1.000000)"
    }


def _three_of_one_scalar(good: Call, inputs: Tensors) -> Tensors:
    """As the earlier system had it: every head a monotone function of a dot product."""
    scores = good(inputs)
    product = scores[names.RANKING_SCORE]
    there = product > -1e8
    likely, lost = tf.sigmoid(0.3 * product - 1), tf.sigmoid(0.2 - 0.5 * product)
    return {
        **scores,
        names.LIKELIHOOD_GIVEN: tf.where(there, likely, names.PAD_PROBABILITY),
        names.RISK_GIVEN: tf.where(there, lost, names.PAD_PROBABILITY),
        names.RISK: tf.sigmoid(-2 * scores[names.LIKELIHOOD]),
    }


def test_three_heads_of_one_scalar(forge: Forge, tmp_path: Path) -> None:
    functions = forge.scores_rewired(_three_of_one_scalar)
    bundle = forge.believed(forge.copy(tmp_path), functions)
    failed = forge.failures(bundle, functions, believed=True)
    assert "what is explained differs from what is predicted" in failed.pop("attribution")
    assert "risk differs from what its signature says" in failed.pop("goals")
    assert set(failed) == {"keras_outputs", "heads_independent"}
    for copy in (
        "risk orders rows as likelihood does (Spearman -1",
        "likelihood_given orders rows as ranking_score does (Spearman 1",
        "risk_given orders rows as ranking_score does (Spearman -1",
        "ranking_score orders every list as likelihood_given does",
    ):
        assert copy in failed["heads_independent"]


def test_a_nan_weight(forge: Forge, tmp_path: Path) -> None:
    with forge.weights_changed({"risk_head/output/bias": float("nan")}) as changed:
        bundle = forge.restored(tmp_path, forge.model.serving.weights)
        forge.believed(bundle, forge.functions)
    assert len(changed) == 1
    failed = forge.failures(bundle, believed=True)
    assert failed["finite_weights"] == f"{changed[0]}: 1 of 1 values are NaN or infinite"
    assert "risk: 35 of 35 values are NaN or infinite" in failed["head_values"]
    assert "likelihood" not in failed["head_values"]


@pytest.mark.parametrize("gone", names.SIGNATURES)
def test_a_signature_missing(forge: Forge, gone: str) -> None:
    functions = {key: f for key, f in forge.functions.items() if key != gone}
    checks = ["signatures", *sorted(GOLDEN), "recommend_order"]
    failed = forge.failures(forge.good, functions, only=checks)
    assert failed["signatures"] == f"{gone} is missing"
    assert f"'{gone}'" in failed[f"golden_{gone}"]
    needed = {"recommend_order"} if gone in ("recommend", "predict") else set()
    assert set(failed) == {"signatures", f"golden_{gone}"} | needed


def _less_risk(good: Call, inputs: Tensors) -> Tensors:
    scores = good(inputs)
    return {**scores, names.RISK: 0.98 * scores[names.RISK]}


def test_signatures_that_disagree(forge: Forge, tmp_path: Path) -> None:
    functions = forge.rewired(serving_default=_less_risk)
    bundle = forge.believed(forge.copy(tmp_path), functions)
    failed = forge.failures(bundle, functions, believed=True)
    assert set(failed) == {"signatures_agree"}
    assert failed["signatures_agree"].startswith("risk differs by 0.0")
    assert failed["signatures_agree"].endswith("between serving_default and predict")


def _shuffle_vocabularies(bundle: Path) -> None:
    for vocabulary in sorted((bundle / "assets").iterdir()):
        lines = vocabulary.read_bytes().splitlines(keepends=True)
        assert len(lines) > 1
        random.Random(3).shuffle(lines)
        vocabulary.write_bytes(b"".join(lines))


def test_a_vocabulary_of_another_run(forge: Forge, tmp_path: Path) -> None:
    bundle = forge.copy(tmp_path)
    _shuffle_vocabularies(bundle)
    assert forge.failures(bundle)["manifest"].startswith("assets/")
    sign(bundle)
    failed = forge.failures(bundle)
    assert (
        "assets/engagement_ids: is not the one that was made in training"
        in (failed["same_as_trained"])
    )
    assert "ranking_score differs from its golden values" in failed["golden_predict"]
    assert GOLDEN - {"golden_recommend"} <= set(failed)
    assert not {"manifest", "variables", "keras_file"} & set(failed)


def test_a_truncated_variables_file(forge: Forge, tmp_path: Path) -> None:
    bundle = forge.copy(tmp_path)
    data = next((bundle / "variables").glob("variables.data-*"))
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    sign(bundle)
    failed = forge.failures(bundle)
    assert failed["loads"] == "IndexError: Read less bytes than requested"
    assert "ValueError: the variables file cannot give model_vars/" in failed["checkpoint"]
    assert {"variables", "finite_weights", "signatures"} | GOLDEN <= set(failed)
    assert "manifest" not in failed


def test_a_model_that_needs_the_transform_output(forge: Forge) -> None:
    failed = forge.failures(forge.needs_transform, believed=True)
    # Here, where the file is within reach, only the look at the graph can tell.
    assert set(failed) == {"graph_paths"}
    assert str(forge.secret) in failed["graph_paths"]


def test_an_asset_that_is_read_where_training_had_it(forge: Forge, tmp_path: Path) -> None:
    """The graph's own copy of the file is there, but it is not what is read."""
    bundle = forge.copy(tmp_path)
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((bundle / "saved_model.pb").read_bytes())
    path = forge.run.transform / "transform_fn" / "assets" / "engagement_ids"
    assert path.is_file()
    node = saved.meta_graphs[0].graph_def.library.function[0].node_def.add()
    node.name, node.op = "reads", "Const"
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto([str(path)]))
    (bundle / "saved_model.pb").write_bytes(saved.SerializeToString())
    sign(bundle)
    assert forge.failures(bundle, only=["graph_paths"])["graph_paths"] == f"node reads reads {path}"


def test_another_keras_file(forge: Forge, tmp_path: Path) -> None:
    bundle = forge.copy(tmp_path)
    with forge.weights_changed({"ranking_head/output/kernel": None}) as changed:
        forge.model.serving.save(bundle / names.ASSETS_EXTRA / names.KERAS_FILE)
    sign(bundle)
    failed = forge.failures(bundle, forge.functions)
    assert set(failed) == {"same_as_trained", "keras_file", "keras_outputs"}
    assert failed["keras_file"] == f"{changed[0]}: {NOT_TRAINED}"
    assert failed["keras_outputs"].startswith("ranking_score differs")


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (
            lambda bundle: remove(bundle / "assets.extra" / "model_card.json"),
            "assets.extra/model_card.json: is missing",
        ),
        (
            lambda bundle: (bundle / "assets.extra" / "more").write_text("x"),
            "assets.extra/more: is not in the manifest",
        ),
        (
            lambda bundle: (bundle / "assets.extra" / "model_card.json").write_text("{}"),
            "assets.extra/model_card.json: its SHA-256 is not the manifest's",
        ),
    ],
    ids=["missing", "extra", "changed"],
)
def test_files_that_are_not_the_manifests(
    forge: Forge, tmp_path: Path, tamper: object, said: str
) -> None:
    bundle = forge.copy(tmp_path)
    assert callable(tamper)
    tamper(bundle)
    assert forge.failures(bundle, forge.functions, only=["manifest", "size"]) == {"manifest": said}


def test_bounds_on_size_and_load_time(forge: Forge) -> None:
    failed = forge.failures(forge.good, only=["loads", "size"], megabytes=0.01, load_seconds=0.0)
    assert set(failed) == {"loads", "size"}
    assert failed["size"].endswith("MiB, 0.01 MiB are allowed")
    assert failed["loads"].endswith("s, 0 s are allowed")


def test_a_bundle_that_is_no_saved_model(forge: Forge, tmp_path: Path) -> None:
    bundle = forge.copy(tmp_path)
    for name in ("saved_model.pb", "variables", "assets"):
        remove(bundle / name)
    sign(bundle)
    failed = forge.failures(bundle)
    assert "saved_model.pb" in failed["loads"]
    shutil.rmtree(bundle / names.ASSETS_EXTRA)
    assert "manifest.json" in forge.failures(bundle)["manifest"]
