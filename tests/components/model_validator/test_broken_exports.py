"""Exports that are broken in known ways, each rejected for its own reason."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import tensorflow as tf

from components.model_validator.isolation import COVERED, inspect_in_isolation
from components.model_validator.report import failed_names
from components.model_validator.request import Bounds
from schemas import names
from tests.components.model_validator.forge import Forge, make_forge, remove, sign
from tests.trained_run import TrainedRun
from trainer.signatures import GoalpathModule

pytestmark = pytest.mark.slow

GOLDEN_SCORES = {"golden_serving_default", "golden_predict"}


@pytest.fixture(scope="module")
def forge(trained: TrainedRun, tmp_path_factory: pytest.TempPathFactory) -> Forge:
    return make_forge(trained, tmp_path_factory.mktemp("forge"))


def test_what_was_trained_passes_every_check(forge: Forge) -> None:
    assert forge.failures(forge.good) == []


def test_weights_zeroed(forge: Forge, tmp_path: Path) -> None:
    module = forge.module()
    functions = module.signatures()
    with forge.weights_changed({"": 0.0}):
        bundle = forge.exported(tmp_path, module, functions, consistent=False)
    failed = forge.failures(bundle)
    assert {"variables", "checkpoint", "heads_not_constant"} | GOLDEN_SCORES <= set(failed)
    assert "manifest" not in failed


def test_one_layer_not_restored(forge: Forge, tmp_path: Path) -> None:
    module = forge.module()
    functions = module.signatures()
    with forge.weights_changed({"risk_head/output/kernel": None}) as changed:
        assert len(changed) == 1
        bundle = forge.exported(tmp_path, module, functions, consistent=False)
    failed = forge.failures(bundle)
    assert {"variables", "checkpoint"} | GOLDEN_SCORES <= set(failed)
    # Nothing but the comparison with the trained values can tell: the head is alive.
    assert not {"heads_not_constant", "heads_independent", "signatures_agree"} & set(failed)


def test_weights_of_another_architecture(forge: Forge, tmp_path: Path) -> None:
    bundle = forge.copy(tmp_path)
    other = tf.Module()
    other.model_vars = [tf.Variable(tf.zeros([3, 5]))]
    tf.saved_model.save(other, str(tmp_path / "other"))
    shutil.rmtree(bundle / "variables")
    shutil.copytree(tmp_path / "other" / "variables", bundle / "variables")
    sign(bundle)
    assert {"loads", "variables", "checkpoint"} <= set(forge.failures(bundle))


class SwappedHeads(GoalpathModule):
    def _scores(self, raw: Mapping[str, object]) -> dict[str, tf.Tensor]:
        scores = super()._scores(raw)
        swapped = {names.LIKELIHOOD: names.RISK, names.RISK: names.LIKELIHOOD}
        return {key: scores[swapped.get(key, key)] for key in scores}


def test_two_heads_swapped(forge: Forge, tmp_path: Path) -> None:
    module = forge.module(SwappedHeads)
    bundle = forge.exported(tmp_path, module, module.signatures(), consistent=False)
    assert set(forge.failures(bundle)) == GOLDEN_SCORES


def test_a_constant_head_that_the_trainer_believes_in(forge: Forge, tmp_path: Path) -> None:
    module = forge.module()
    functions = module.signatures()
    dead = {"likelihood_head/output/kernel": 0.0, "likelihood_head/query/kernel": 0.0}
    with forge.weights_changed(dead) as changed:
        assert len(changed) == 2
        bundle = forge.exported(tmp_path, module, functions, consistent=True)
    failed = set(forge.failures(bundle, like_trainer=True))
    assert {"heads_not_constant", "heads_sensitive"} <= failed
    assert not {"variables", "keras_file", "manifest"} & failed
    assert not GOLDEN_SCORES & failed


class CopiedHead(GoalpathModule):
    def _scores(self, raw: Mapping[str, object]) -> dict[str, tf.Tensor]:
        scores = super()._scores(raw)
        return {**scores, names.RISK: 1 - scores[names.LIKELIHOOD]}


def test_a_head_that_copies_another(forge: Forge, tmp_path: Path) -> None:
    module = forge.module(CopiedHead)
    bundle = forge.exported(tmp_path, module, module.signatures(), consistent=True)
    assert forge.failures(bundle, like_trainer=True) == ["heads_independent"]


def test_a_nan_weight(forge: Forge, tmp_path: Path) -> None:
    module = forge.module()
    functions = module.signatures()
    with forge.weights_changed({"risk_head/output/bias": float("nan")}) as changed:
        assert len(changed) == 1
        bundle = forge.exported(tmp_path, module, functions, consistent=True)
    failed = set(forge.failures(bundle, like_trainer=True))
    assert {"finite_weights", "head_values"} <= failed


@pytest.mark.parametrize("gone", names.SIGNATURES)
def test_a_signature_missing(forge: Forge, tmp_path: Path, gone: str) -> None:
    module = forge.module()
    functions = {key: f for key, f in module.signatures().items() if key != gone}
    bundle = forge.exported(tmp_path, module, functions, consistent=False)
    failed = forge.failures(bundle)
    assert "signatures" in failed
    assert f"golden_{gone}" in failed


class Disagreeing(GoalpathModule):
    def _predict(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        scores = super()._predict(**inputs)
        return {**scores, names.RISK: 0.98 * scores[names.RISK]}


def test_signatures_that_disagree(forge: Forge, tmp_path: Path) -> None:
    module = forge.module(Disagreeing)
    bundle = forge.exported(tmp_path, module, module.signatures(), consistent=True)
    assert forge.failures(bundle, like_trainer=True) == ["signatures_agree"]


class WrongOrder(GoalpathModule):
    def _recommend(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        lists = super()._recommend(**inputs)
        return {key: tf.reverse(value, [1]) for key, value in lists.items()}


def test_recommendations_in_another_order_than_their_scores(forge: Forge, tmp_path: Path) -> None:
    module = forge.module(WrongOrder)
    bundle = forge.exported(tmp_path, module, module.signatures(), consistent=True)
    assert forge.failures(bundle, like_trainer=True) == ["recommend_order"]


def test_a_vocabulary_of_another_run(forge: Forge, tmp_path: Path) -> None:
    bundle = forge.copy(tmp_path)
    vocabularies = sorted((bundle / "assets").iterdir())
    assert vocabularies
    for vocabulary in vocabularies:
        lines = vocabulary.read_bytes().splitlines(keepends=True)
        random.Random(3).shuffle(lines)
        vocabulary.write_bytes(b"".join(lines))
    assert "manifest" in forge.failures(bundle)
    sign(bundle)
    failed = set(forge.failures(bundle))
    assert "manifest" not in failed
    assert failed >= GOLDEN_SCORES
    assert "variables" not in failed


def test_a_truncated_variables_file(forge: Forge, tmp_path: Path) -> None:
    bundle = forge.copy(tmp_path)
    data = next((bundle / "variables").glob("variables.data-*"))
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    sign(bundle)
    assert {"loads", "checkpoint"} <= set(forge.failures(bundle))


def test_a_model_that_needs_the_transform_output(forge: Forge, tmp_path: Path) -> None:
    secret = forge.run.transform / "offset"
    secret.write_text("0.25")

    class ReadsTransformOutput(GoalpathModule):
        def _scores(self, raw: Mapping[str, object]) -> dict[str, tf.Tensor]:
            scores = super()._scores(raw)
            offset = tf.strings.to_number(tf.io.read_file(str(secret)))
            return {**scores, names.RANKING_SCORE: scores[names.RANKING_SCORE] + 0.0 * offset}

    module = forge.module(ReadsTransformOutput)
    bundle = forge.exported(tmp_path, module, module.signatures(), consistent=True)
    # Here, where the file is within reach, only the look at the graph can tell.
    assert forge.failures(bundle, like_trainer=True) == ["graph_paths"]
    report = inspect_in_isolation(
        bundle,
        trained_files={},
        forbidden=(str(forge.run.transform),),
        bounds=Bounds(),
        timeout_seconds=600,
    )
    assert "graph_paths" in failed_names(report.checks)
    if report.isolation == COVERED:
        assert set(failed_names(report.checks)) >= GOLDEN_SCORES


def test_the_good_bundle_passes_where_nothing_else_is_within_reach(forge: Forge) -> None:
    report = inspect_in_isolation(
        forge.good,
        trained_files={},
        forbidden=(str(forge.run.root),),
        bounds=Bounds(),
        timeout_seconds=600,
    )
    assert failed_names(report.checks) == []
    assert report.blessed


def test_another_keras_file(forge: Forge, tmp_path: Path) -> None:
    bundle = forge.copy(tmp_path)
    with forge.weights_changed({"ranking_head/output/kernel": None}):
        forge.model.serving.save(bundle / names.ASSETS_EXTRA / names.KERAS_FILE)
    sign(bundle)
    assert forge.failures(bundle) == ["same_as_trained", "keras_file"]


@pytest.mark.parametrize(
    "tamper",
    [
        lambda bundle: remove(bundle / names.ASSETS_EXTRA / names.MODEL_CARD_FILE),
        lambda bundle: (bundle / "assets.extra" / "more").write_text("x"),
        lambda bundle: (bundle / "assets.extra" / "model_card.json").write_text("{}"),
    ],
    ids=["missing", "extra", "changed"],
)
def test_files_that_are_not_the_manifests(forge: Forge, tmp_path: Path, tamper: object) -> None:
    bundle = forge.copy(tmp_path)
    assert callable(tamper)
    tamper(bundle)
    assert forge.failures(bundle) == ["manifest"]


def test_bounds_on_size_and_load_time(forge: Forge) -> None:
    assert forge.failures(forge.good, megabytes=0.01, load_seconds=0.0) == ["loads", "size"]
