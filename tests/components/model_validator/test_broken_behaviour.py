"""Models that a trainer believes in, and that nobody should be served.

Checksums and golden values agree with each of them: only what the signatures say
about one another, about the `.keras` file and about other inputs can tell.
"""

from __future__ import annotations

import dataclasses
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from schemas import names
from tests.components.model_validator.forge import (
    Call,
    Forge,
    Functions,
    Rewire,
    Tensors,
    remove,
    sign,
)

pytestmark = pytest.mark.slow

KERAS = "keras_outputs"


def believed(forge: Forge, folder: Path, functions: Functions) -> dict[str, str]:
    bundle = forge.believed(forge.copy(folder), functions)
    return forge.failures(bundle, functions, believed=True)


def history_ignored(good: Call, inputs: Tensors) -> Tensors:
    blank = {
        key: tf.zeros_like(value) for key, value in inputs.items() if key.startswith("history_")
    }
    return good({**inputs, **blank})


def candidate_ignored(good: Call, inputs: Tensors) -> Tensors:
    """What is likely with an engagement is what is likely without one."""
    scores = good(inputs)
    given = scores[names.LIKELIHOOD_GIVEN]
    there = given != names.PAD_PROBABILITY
    alone = scores[names.LIKELIHOOD][:, tf.newaxis]
    return {**scores, names.LIKELIHOOD_GIVEN: tf.where(there, alone, given)}


def popularity_ignored(good: Call, inputs: Tensors) -> Tensors:
    popular = {key: tf.zeros_like(inputs[key]) for key in names.FRESH_POPULARITY}
    return good({**inputs, **popular})


def constant_for_some(good: Call, inputs: Tensors) -> Tensors:
    scores = good(inputs)
    first = inputs[names.Q_STAGE] == "First"
    return {**scores, names.RISK: tf.where(first, 0.5, scores[names.RISK])}


def nearly_a_copy(good: Call, inputs: Tensors) -> Tensors:
    scores = good(inputs)
    noise = 0.002 * (scores[names.RISK] - 0.5)
    return {**scores, names.RISK: 1 - scores[names.LIKELIHOOD] + noise}


def ranked_by_likelihood(good: Call, inputs: Tensors) -> Tensors:
    """A monotone copy within every list, hidden behind what the student adds."""
    scores = good(inputs)
    given, there = scores[names.LIKELIHOOD_GIVEN], scores[names.RANKING_SCORE] > -1e8
    student = 30.0 * scores[names.RISK][:, tf.newaxis]
    return {
        **scores,
        names.RANKING_SCORE: tf.where(there, given + student, names.PAD_SCORE),
    }


def of_the_batch(good: Call, inputs: Tensors) -> Tensors:
    """As a normalisation does that was left in the mode of training."""
    scores = good(inputs)
    risk = scores[names.RISK]
    return {**scores, names.RISK: tf.sigmoid(4 * (risk - tf.reduce_mean(risk)))}


def of_the_list(good: Call, inputs: Tensors) -> Tensors:
    scores = good(inputs)
    ranking = scores[names.RANKING_SCORE]
    best = tf.reduce_max(ranking, axis=1, keepdims=True)
    there = ranking > -1e8
    return {**scores, names.RANKING_SCORE: tf.where(there, ranking - best, ranking)}


def likely_by_candidates(good: Call, inputs: Tensors) -> Tensors:
    scores = good(inputs)
    given = scores[names.LIKELIHOOD_GIVEN]
    best = tf.reduce_max(tf.concat([given, tf.zeros([tf.shape(given)[0], 1])], 1), axis=1)
    return {**scores, names.LIKELIHOOD: 0.5 * (scores[names.LIKELIHOOD] + best)}


def padding_zero(good: Call, inputs: Tensors) -> Tensors:
    scores = good(inputs)
    ranking = scores[names.RANKING_SCORE]
    return {**scores, names.RANKING_SCORE: tf.where(ranking < -1e8, 0.0, ranking)}


def nan_for_the_unknown(good: Call, inputs: Tensors) -> Tensors:
    scores = good(inputs)
    known = tf.reduce_any(
        inputs[names.Q_STAGE][:, tf.newaxis] == [["First", "Second", "Third"]], axis=1
    )
    return {**scores, names.RISK: tf.where(known, scores[names.RISK], float("nan"))}


def log_odds(good: Call, inputs: Tensors) -> Tensors:
    scores = good(inputs)
    p = scores[names.LIKELIHOOD]
    return {**scores, names.LIKELIHOOD: tf.math.log(p) - tf.math.log1p(-p)}


@dataclasses.dataclass(frozen=True)
class Fault:
    """How the scores are broken, and what is said of it beside `keras_outputs`."""

    change: Rewire
    said: dict[str, str]


FAULTS = [
    Fault(
        history_ignored,
        {
            "heads_sensitive": "risk: the same values with other history inputs",
            # `recommend` still reads it.
            "recommend_order": "`predict` scores them",
        },
    ),
    Fault(
        candidate_ignored,
        {
            "heads_sensitive": "likelihood_given: 100% of the values stay the same with other "
            "candidate inputs",
        },
    ),
    Fault(
        popularity_ignored,
        {
            "heads_sensitive": "ranking_score: the same values with other popularity inputs",
            "recommend_order": "`predict` scores them",
        },
    ),
    Fault(constant_for_some, {"heads_not_constant": "different rows get 0.5"}),
    Fault(nearly_a_copy, {"heads_independent": "risk orders rows as likelihood does (Spearman -0"}),
    Fault(
        ranked_by_likelihood,
        {
            "heads_independent": "ranking_score orders every list as likelihood_given does",
            "recommend_order": "`predict` scores them",
        },
    ),
    Fault(of_the_batch, {"rows_alone": "risk of row 0 differs"}),
    Fault(
        of_the_list,
        {
            "rows_alone": "between a list and its candidates one by one",
            "recommend_order": "`predict` scores them",
        },
    ),
    Fault(
        likely_by_candidates,
        {
            "rows_alone": "likelihood differs",
            "heads_sensitive": "likelihood changes with the candidates, though none is given",
        },
    ),
    Fault(
        padding_zero, {"head_values": "golden rows: ranking_score: 131 places of padding hold 0"}
    ),
    Fault(
        nan_for_the_unknown,
        {"head_values": "rows never seen: risk: 12 of 12 values are NaN or infinite"},
    ),
    Fault(log_odds, {"head_values": "likelihood: values from -"}),
]


OF_A_STUDENT = (
    history_ignored,
    constant_for_some,
    nearly_a_copy,
    of_the_batch,
    likely_by_candidates,
    log_odds,
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.change.__name__)
def test_scores_that_nobody_should_be_served(forge: Forge, tmp_path: Path, fault: Fault) -> None:
    failed = believed(forge, tmp_path, forge.scores_rewired(fault.change))
    # The `.keras` file of the trained model does nothing of the kind; the golden rows
    # have no unknown stage.
    beside = set() if fault.change is nan_for_the_unknown else {KERAS}
    if fault.change not in (nan_for_the_unknown, padding_zero):
        # `attribute` still explains what was trained.
        assert "what is explained differs" in failed.pop("attribution")
    if fault.change in OF_A_STUDENT:
        # `goal` still tells the heads that were trained.
        assert "differs from what its signature says" in failed.pop("goals")
    assert set(failed) == set(fault.said) | beside
    for check, text in fault.said.items():
        assert text in failed[check]


def other_student(good: Call, inputs: Tensors) -> Tensors:
    return {names.EMBEDDING: 1.01 * good(inputs)[names.EMBEDDING]}


def other_engagement(good: Call, inputs: Tensors) -> Tensors:
    return {names.EMBEDDING: tf.reverse(good(inputs)[names.EMBEDDING], [1])}


def centred(good: Call, inputs: Tensors) -> Tensors:
    value = good(inputs)[names.EMBEDDING]
    return {names.EMBEDDING: value - tf.reduce_mean(value, axis=0)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"embed_student": other_student}, "student embedding differs"),
        ({"embed_engagement": other_engagement}, "engagement embedding differs"),
        ({"embed_student": centred}, "between a batch and one row"),
    ],
)
def test_embeddings_that_no_head_reads(
    forge: Forge, tmp_path: Path, change: dict[str, Rewire], said: str
) -> None:
    failed = believed(forge, tmp_path, forge.rewired(**change))
    if "embed_student" in change:
        assert "embedding differs from what its signature says" in failed.pop("goals")
    assert set(failed) == {"embeddings_agree"}
    assert said in failed["embeddings_agree"]


def reversed_lists(good: Call, inputs: Tensors) -> Tensors:
    lists = good(inputs)
    ids, scores = lists[names.RECOMMENDED_ID], lists[names.RECOMMENDED_SCORE]
    length = tf.reduce_sum(tf.cast(ids != "", tf.int32), axis=1)
    return {
        names.RECOMMENDED_ID: tf.reverse_sequence(ids, length, seq_axis=1),
        names.RECOMMENDED_SCORE: tf.reverse_sequence(scores, length, seq_axis=1),
    }


def other_ids(good: Call, inputs: Tensors) -> Tensors:
    """Ids and scores that are not each other's."""
    lists = good(inputs)
    ids = lists[names.RECOMMENDED_ID]
    swapped = tf.concat([ids[:, 1:2], ids[:, :1], ids[:, 2:]], axis=1)
    return {**lists, names.RECOMMENDED_ID: swapped}


def nothing_at_all(good: Call, inputs: Tensors) -> Tensors:
    lists = good(inputs)
    return {
        names.RECOMMENDED_ID: tf.zeros_like(lists[names.RECOMMENDED_ID]),
        names.RECOMMENDED_SCORE: tf.fill(tf.shape(lists[names.RECOMMENDED_SCORE]), names.PAD_SCORE),
    }


def all_day(good: Call, inputs: Tensors) -> Tensors:
    """Offers what is long closed."""
    year = 365 * 86_400_000_000
    return good({**inputs, names.SNAPSHOT_TIME: inputs[names.SNAPSHOT_TIME] - year})


def never_fresh(good: Call, inputs: Tensors) -> Tensors:
    fresh = {key: inputs[key][:0] for key in names.FRESH_POPULARITY.values()}
    texts = {key: inputs[key][:0] for key in (names.FRESH_AUDIENCE, names.FRESH_ID)}
    return good({**inputs, **fresh, **texts})


def always_ten(good: Call, inputs: Tensors) -> Tensors:
    return good({**inputs, names.TOP_K_INPUT: tf.constant(10)})


def own_use_forgotten(good: Call, inputs: Tensors) -> Tensors:
    nobody = tf.where(inputs[names.USED_ID] != "", "x", inputs[names.USED_ID])
    return good({**inputs, names.USED_ID: nobody})


def strangers_get_a_list(good: Call, inputs: Tensors) -> Tensors:
    """Offers what is for others to whoever is of an audience that the catalogue lacks."""
    audience = inputs[names.AUDIENCE]
    known = tf.reduce_any(audience[:, tf.newaxis] == [["north", "south"]], axis=1)
    return good({**inputs, names.AUDIENCE: tf.where(known, audience, "north")})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (reversed_lists, "list 0: scores do not descend"),
        (other_ids, "`predict` scores them"),
        (nothing_at_all, "list 0: 0 engagements, where 10 of "),
        (all_day, "is not open to the student"),
        # 8 lists of the golden rows, 3 of the audiences; then those with fresh popularity.
        (never_fresh, "list 11: listed with"),
        (strangers_get_a_list, "list 10: e"),
        (always_ten, "gives lists of 10"),
        (own_use_forgotten, "`predict` scores them"),
    ],
)
def test_lists_that_are_not_the_best(
    forge: Forge, tmp_path: Path, change: Rewire, said: str
) -> None:
    failed = believed(forge, tmp_path, forge.rewired(recommend=change))
    assert set(failed) == {"recommend_order"}
    assert said in failed["recommend_order"]


def _less_popular(catalogue: pa.Table) -> pa.Table:
    place = catalogue.column_names.index(names.C_POPULARITY_7)
    return catalogue.set_column(
        place, names.C_POPULARITY_7, pc.multiply(catalogue[names.C_POPULARITY_7], 0.5)
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_less_popular, "`predict` scores them"),
        (lambda catalogue: catalogue.filter(pc.less(catalogue[names.C_ID], "e020")), "is not open"),
    ],
    ids=["popularity of another day", "engagements of another day"],
)
def test_a_catalogue_in_the_graph_that_is_not_the_bundles(
    forge: Forge, tmp_path: Path, change: Callable[[pa.Table], pa.Table], said: str
) -> None:
    bundle = forge.copy(tmp_path)
    path = bundle / names.ASSETS_EXTRA / names.CATALOGUE_FILE
    pq.write_table(change(pq.read_table(path)), path)
    sign(bundle)
    failed = forge.failures(bundle, forge.functions)
    assert set(failed) == {"recommend_order"}
    assert said in failed["recommend_order"]


def test_dates_that_stand_still(forge: Forge, tmp_path: Path) -> None:
    """A manifest of a later day than the graph's: every date would be longer ago."""
    bundle = forge.copy(tmp_path)
    path = bundle / names.ASSETS_EXTRA / names.MANIFEST_FILE
    text = path.read_text()
    assert text.count('"as_of": "2021-07-10') == 1
    path.write_text(text.replace('"as_of": "2021-07-10', '"as_of": "2021-08-10'))
    failed = forge.failures(bundle, forge.functions)
    assert set(failed) == {"recommend_order"}


def test_a_graph_that_takes_batches_of_one_size_and_other_numbers(forge: Forge) -> None:
    good = forge.functions[names.SIGNATURE_EMBED_STUDENT]
    specs = dict(good.structured_input_signature[1])
    specs[names.Q_DAYS_IN_STAGE] = tf.TensorSpec([35], tf.float64, names.Q_DAYS_IN_STAGE)

    def narrow(**inputs: tf.Tensor) -> Tensors:
        days = tf.cast(inputs[names.Q_DAYS_IN_STAGE], tf.float32)
        return dict(good(**{**inputs, names.Q_DAYS_IN_STAGE: days}))

    traced = tf.function(narrow, autograph=False).get_concrete_function(**specs)
    functions = {**forge.functions, names.SIGNATURE_EMBED_STUDENT: traced}
    failed = forge.failures(forge.good, functions, only=["signatures"])
    assert (
        "embed_student input days_in_stage takes float64, and float32 is given"
        in (failed["signatures"])
    )
    assert "embed_student input days_in_stage takes batches of 35 alone" in failed["signatures"]


def test_an_output_of_another_type(forge: Forge) -> None:
    good = forge.functions[names.SIGNATURE_EMBED_STUDENT]

    def wide(**inputs: tf.Tensor) -> Tensors:
        return {names.EMBEDDING: tf.cast(good(**inputs)[names.EMBEDDING], tf.float64)}

    traced = tf.function(wide, autograph=False).get_concrete_function(
        **good.structured_input_signature[1]
    )
    functions = {**forge.functions, names.SIGNATURE_EMBED_STUDENT: traced}
    failed = forge.failures(forge.good, functions, only=["signatures"])
    assert failed["signatures"] == "embed_student output embedding is of type float64"


def _extra_file(name: str, content: bytes | None) -> Callable[[Path], None]:
    def change(bundle: Path) -> None:
        path = bundle / names.ASSETS_EXTRA / name
        remove(path)
        if content is not None:
            path.write_bytes(content)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            _extra_file(names.CHECKSUMS_FILE, b"[]"),
            {
                "same_as_trained": "assets.extra/weights.json: is not the one",
                "variables": "weights.json names no variable",
                "checkpoint": "weights.json names no variable",
                "keras_file": "weights.json names no variable",
            },
        ),
        (
            _extra_file(names.GOLDEN_FILE, None),
            {
                "same_as_trained": "assets.extra/golden.npz: is not there",
                "golden_predict": "golden.npz",
                "signatures_agree": "golden.npz",
                "heads_independent": "golden.npz",
            },
        ),
        (
            _extra_file(names.KERAS_FILE, None),
            {
                "same_as_trained": "assets.extra/model.keras: is not there",
                "keras_file": "model.keras",
                "keras_outputs": "model.keras",
            },
        ),
        (
            _extra_file(names.KERAS_FILE, b"PK"),
            {"keras_file": "model.keras"},
        ),
        (
            _extra_file(names.CATALOGUE_FILE, None),
            {"recommend_order": "catalogue.parquet"},
        ),
    ],
    ids=["no weights", "no golden values", "no keras file", "torn keras file", "no catalogue"],
)
def test_an_extra_file_gone_or_empty(
    forge: Forge, tmp_path: Path, change: Callable[[Path], None], said: dict[str, str]
) -> None:
    bundle = forge.copy(tmp_path)
    change(bundle)
    sign(bundle)
    failed = forge.failures(bundle, forge.functions)
    for check, text in said.items():
        assert text in failed[check]


def test_two_golden_rows_are_enough(forge: Forge, tmp_path: Path) -> None:
    bundle = forge.believed(forge.copy(tmp_path), forge.functions, golden_rows=2)
    assert forge.failures(bundle, forge.functions, believed=True) == {}


def test_one_golden_row_cannot_tell_heads_apart(forge: Forge, tmp_path: Path) -> None:
    bundle = forge.believed(forge.copy(tmp_path), forge.functions, golden_rows=1)
    failed = forge.failures(bundle, forge.functions, believed=True)
    # With and without types, and with and without history.
    assert failed == {"heads_independent": "likelihood and risk: 4 rows, 8 are needed"}


def test_golden_values_of_no_rows(forge: Forge, tmp_path: Path) -> None:
    bundle = forge.copy(tmp_path)
    path = bundle / names.ASSETS_EXTRA / names.GOLDEN_FILE
    with np.load(path) as arrays:
        kept = {key: arrays[key] for key in arrays.files if "/outputs/" not in key}
    np.savez(path, **kept)
    failed = forge.failures(bundle, forge.functions, believed=True)
    for signature in names.SIGNATURES:
        assert failed[f"golden_{signature}"].startswith("no golden value of ")


def test_a_manifest_that_lists_nothing(forge: Forge, tmp_path: Path) -> None:
    bundle = forge.copy(tmp_path)
    path = bundle / names.ASSETS_EXTRA / names.MANIFEST_FILE
    path.write_text('{"files": {}}')
    failed = forge.failures(bundle, forge.functions)
    assert "saved_model.pb: is not in the manifest" in failed["manifest"] or (
        "is not in the manifest" in failed["manifest"]
    )
    assert "'config'" in failed["recommend_order"]


def test_a_variable_that_was_never_trained(forge: Forge, tmp_path: Path) -> None:
    extra = tf.Variable(tf.ones([7, 3]))
    values = [weight.value for weight in forge.model.serving.weights]
    bundle = forge.copy(tmp_path)
    remove(bundle / "variables")
    checkpoint = tf.train.Checkpoint(model_vars=values, temperature=extra)
    checkpoint.write(str(bundle / "variables" / "variables"))
    sign(bundle)
    failed = forge.failures(bundle, forge.functions, only=["checkpoint"])
    assert failed["checkpoint"] == (
        "temperature/.ATTRIBUTES/VARIABLE_VALUE: is stored, and holds no trained values"
    )


def test_weights_in_half_precision(forge: Forge, tmp_path: Path) -> None:
    halves = [tf.Variable(tf.cast(w.value, tf.float16)) for w in forge.model.serving.weights]
    bundle = forge.copy(tmp_path)
    remove(bundle / "variables")
    tf.train.Checkpoint(model_vars=halves).write(str(bundle / "variables" / "variables"))
    sign(bundle)
    failed = forge.failures(bundle, only=["loads", "variables", "checkpoint"])
    assert "half" in failed["loads"] or "float16" in failed["loads"]
    assert "no stored variable has its values" in failed["checkpoint"]
    assert "variables" in failed


def test_a_keras_file_with_the_same_weights_and_other_layers(forge: Forge, tmp_path: Path) -> None:
    bundle = forge.copy(tmp_path)
    path = bundle / names.ASSETS_EXTRA / names.KERAS_FILE
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = parts["config.json"].decode()
    assert '"activation": "relu"' in config
    parts["config.json"] = config.replace('"activation": "relu"', '"activation": "tanh"').encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    sign(bundle)
    failed = forge.failures(bundle, forge.functions)
    assert set(failed) == {"same_as_trained", "keras_outputs", "embeddings_agree"}
    assert "likelihood differs" in failed["keras_outputs"]
