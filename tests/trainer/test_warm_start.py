"""Training that begins from the weights of a version: which are taken, and which not."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from schemas import names
from schemas.errors import ExportRejectedError, InputError
from trainer.warm_start import Earlier, read_version, warm_start
from trainer.weights import checksum, dump_checksums

OLD = {"words": [b"a", b"b", b"c"]}


def model(words: int, width: int = 2, outputs: int = 1) -> keras.Model:
    """An embedding of `words` entries, missing and unknown beside them, and a layer."""
    index = keras.Input((), dtype="int32")
    embedded = keras.layers.Embedding(words + 2, width, name="embed_words")(index)
    return keras.Model(index, keras.layers.Dense(outputs, name="top")(embedded))


def by_path(of: keras.Model) -> dict[str, np.ndarray]:
    return {weight.path: weight.numpy() for weight in of.weights}


def earlier(of: keras.Model) -> Earlier:
    return Earlier("17", by_path(of), OLD)


def test_rows_of_an_embedding_follow_their_words_and_new_words_begin_as_unknown() -> None:
    old, new = model(3), model(4)
    table = np.arange(10.0).reshape(5, 2)  # missing, a, b, c, unknown
    old.get_layer("embed_words").set_weights([table])
    begun = warm_start(new, earlier(old), {"words": [b"c", b"new", b"a", b"newer"]})
    expected = table[[0, 3, 4, 1, 4, 4]]
    np.testing.assert_array_equal(new.get_layer("embed_words").get_weights()[0], expected)
    np.testing.assert_array_equal(by_path(new)["top/kernel"], by_path(old)["top/kernel"])
    assert begun.version == "17"
    assert set(begun.taken) == {"embed_words/embeddings", "top/kernel", "top/bias"}
    assert begun.fresh == ()


@pytest.mark.parametrize(
    ("made", "fresh"),
    [
        ({"outputs": 3}, {"top/kernel", "top/bias"}),
        ({"width": 5}, {"embed_words/embeddings", "top/kernel"}),
    ],
    ids=["another layer", "a wider embedding"],
)
def test_what_has_another_shape_begins_afresh_and_is_named(
    made: dict[str, int], fresh: set[str]
) -> None:
    new = model(3, **made)
    before = by_path(new)
    begun = warm_start(new, earlier(model(3)), OLD)
    assert set(begun.fresh) == fresh
    assert set(begun.fresh) | set(begun.taken) == set(before)
    for path in fresh:
        np.testing.assert_array_equal(by_path(new)[path], before[path])


def test_a_version_without_the_vocabulary_gives_no_embedding() -> None:
    begun = warm_start(model(3), Earlier("17", by_path(model(3)), {}), OLD)
    assert begun.fresh == ("embed_words/embeddings",)


def export(of: keras.Model, folder: Path) -> None:
    module = tf.Module()
    module.model_vars = [weight.value for weight in of.weights]
    tf.saved_model.save(module, str(folder))
    extra = folder / names.ASSETS_EXTRA
    extra.mkdir(exist_ok=True)
    text = dump_checksums([checksum(weight.path, weight.numpy()) for weight in of.weights])
    (extra / names.CHECKSUMS_FILE).write_text(text)
    (folder / "assets").mkdir(exist_ok=True)
    (folder / "assets" / "words").write_bytes(b"a\nb\nc\n")


def test_a_version_is_read_from_its_files(tmp_path: Path) -> None:
    old = model(3)
    export(old, tmp_path / "1764000000")
    read = read_version(tmp_path / "1764000000")
    assert read.version == "1764000000"
    assert read.vocabularies == OLD
    for path, value in by_path(old).items():
        np.testing.assert_array_equal(read.weights[path], value)


def test_weights_that_are_not_those_that_were_trained_are_refused(tmp_path: Path) -> None:
    export(model(3), tmp_path / "1")
    file = tmp_path / "1" / names.ASSETS_EXTRA / names.CHECKSUMS_FILE
    entries = json.loads(file.read_text())
    entries[0]["sha256"] = "0" * 64
    file.write_text(json.dumps(entries))
    with pytest.raises(ExportRejectedError):
        read_version(tmp_path / "1")


@pytest.mark.parametrize("gone", ["assets.extra/weights.json", "variables/variables.index"])
def test_a_version_without_its_weights_is_named(tmp_path: Path, gone: str) -> None:
    export(model(3), tmp_path / "1")
    (tmp_path / "1" / gone).unlink()
    with pytest.raises(InputError) as error:
        read_version(tmp_path / "1")
    assert error.value.where == str(tmp_path / "1")
    assert "training.warm_start" in error.value.remedy
