"""An export is the trained model wherever it is loaded, and anything else is rejected."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from schemas import features, names
from schemas.errors import ExportRejectedError
from tests.trained_run import TrainedRun
from trainer.export import verify_export
from trainer.golden import Golden, dump_golden, load_golden
from trainer.weights import Checksum, checksum, load_checksums

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ASK_EVERY_SIGNATURE = """
import sys
import numpy as np
import tensorflow as tf
from trainer.golden import load_golden

model = tf.saved_model.load(sys.argv[1])
for signature, function in model.signatures.items():
    golden = load_golden(open(sys.argv[2], "rb").read())[signature]
    wanted = function.structured_input_signature[1]
    inputs = {key: tf.constant(golden["inputs"][key], spec.dtype) for key, spec in wanted.items()}
    outputs = {key: value.numpy() for key, value in function(**inputs).items()}
    assert set(outputs) == set(golden["outputs"]), signature
    for key, value in golden["outputs"].items():
        assert value.dtype == outputs[key].dtype, (signature, key)
        assert np.array_equal(outputs[key], value), (signature, key)
    print(signature, sorted(outputs))
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"tensorflow_transform", "tfx", "schemas"}))
"""


@pytest.fixture(name="checksums", scope="module")
def _checksums(trained: TrainedRun) -> list[Checksum]:
    return load_checksums((trained.model / names.ASSETS_EXTRA / names.CHECKSUMS_FILE).read_text())


@pytest.fixture(name="golden", scope="module")
def _golden(trained: TrainedRun) -> Golden:
    return load_golden((trained.model / names.ASSETS_EXTRA / names.GOLDEN_FILE).read_bytes())


@pytest.fixture(name="export")
def _export(trained: TrainedRun, tmp_path: Path) -> Path:
    """A copy to be broken."""
    return Path(shutil.copytree(trained.model, tmp_path / "export"))


def test_elsewhere_without_the_run_every_signature_gives_what_it_gave(
    trained: TrainedRun, tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(trained.model, tmp_path / "elsewhere"))
    golden = Path(shutil.move(moved / names.ASSETS_EXTRA / names.GOLDEN_FILE, tmp_path))
    shutil.rmtree(moved / names.ASSETS_EXTRA)
    gone = trained.root.rename(trained.root.with_name("gone"))
    try:
        done = subprocess.run(
            [sys.executable, "-c", ASK_EVERY_SIGNATURE, str(moved), str(golden)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        gone.rename(trained.root)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == list(names.TRAINED_SIGNATURES)
    assert lines[-1] == "[]"


def test_the_checks_of_later_stages_go_with_it(
    trained: TrainedRun, checksums: list[Checksum]
) -> None:
    extra = trained.model / names.ASSETS_EXTRA
    assert {path.name for path in extra.iterdir()} == {
        names.CHECKSUMS_FILE,
        names.GOLDEN_FILE,
        names.KERAS_FILE,
        names.WARMUP_FILE,
    }
    restored = keras.models.load_model(extra / names.KERAS_FILE, compile=False)
    assert [checksum(w.path, w.numpy()) for w in restored.weights] == checksums


def test_golden_rows_have_every_kind_of_empty_list_among_them(golden: Golden) -> None:
    inputs = golden[names.SIGNATURE_PREDICT]["inputs"]
    without = {
        key: (inputs[key] == b"").all(axis=1)
        for key in (names.C_ID, names.HISTORY_ID, names.TYPE_NAME)
    }
    assert (without[names.C_ID] & without[names.HISTORY_ID] & without[names.TYPE_NAME]).any()
    assert (without[names.C_ID] & ~without[names.HISTORY_ID]).any()
    assert (~without[names.C_ID] & without[names.HISTORY_ID]).any()
    for signature in names.TRAINED_SIGNATURES:
        assert golden[signature]["outputs"], signature


def test_golden_inputs_are_all_that_each_signature_asks_for(
    trained: TrainedRun, golden: Golden
) -> None:
    config = trained.config
    query = {spec.key for spec in features.query_features(config)}
    candidates = {spec.key for spec in features.candidate_features(config)}
    asked = {signature: set(golden[signature]["inputs"]) for signature in names.TRAINED_SIGNATURES}
    assert asked[names.SIGNATURE_DEFAULT] == {names.EXAMPLES_INPUT}
    assert asked[names.SIGNATURE_PREDICT] == query | candidates
    assert asked[names.SIGNATURE_EMBED_STUDENT] == query
    assert asked[names.SIGNATURE_EMBED_ENGAGEMENT] == candidates
    assert asked[names.SIGNATURE_RECOMMEND] == {
        *query,
        *(spec.key for spec in features.used_features()),
        names.AUDIENCE,
        names.SNAPSHOT_TIME,
        names.TOP_K_INPUT,
        names.FRESH_AUDIENCE,
        names.FRESH_ID,
        *names.FRESH_POPULARITY.values(),
    }


def rejected(export: Path, checksums: list[Checksum], golden: Golden) -> ExportRejectedError:
    with pytest.raises(ExportRejectedError) as error:
        verify_export(str(export), checksums, golden)
    assert "do not push it" in error.value.remedy
    return error.value


def test_a_flipped_bit_in_the_variables_is_rejected(
    export: Path, checksums: list[Checksum], golden: Golden
) -> None:
    data = next((export / "variables").glob("variables.data-*"))
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    error = rejected(export, checksums, golden)
    assert error.where == "SavedModel"
    assert error.rule == "an export must load."


def test_one_weight_that_is_not_the_trained_one_is_rejected_by_name(
    export: Path, checksums: list[Checksum], golden: Golden
) -> None:
    path = "risk_head/output/kernel"
    (wanted,) = [entry["sha256"] for entry in checksums if entry["path"] == path]
    prefix = str(export / "variables" / "variables")
    reader = tf.train.load_checkpoint(prefix)
    tensors = {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()}
    changed = [
        key for key, value in tensors.items() if checksum(path, np.array(value))["sha256"] == wanted
    ]
    assert len(changed) == 1
    tensors[changed[0]] = np.nextafter(tensors[changed[0]], np.float32(9))
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=[tf.constant(value) for value in tensors.values()],
    )
    error = rejected(export, checksums, golden)
    assert error.where == "SavedModel"
    assert error.received.endswith(f"1 of them different: {path}")


def test_another_keras_file_is_rejected_by_name(
    export: Path, checksums: list[Checksum], golden: Golden
) -> None:
    path = export / names.ASSETS_EXTRA / names.KERAS_FILE
    model = keras.models.load_model(path, compile=False)
    (vector,) = [w for w in model.weights if w.path == "likelihood_none/vector"]
    vector.assign(vector.numpy() * 2)
    model.save(path)
    error = rejected(export, checksums, golden)
    assert error.where == names.KERAS_FILE
    assert error.received.endswith("1 of them different: likelihood_none/vector")


def test_a_keras_file_that_does_not_load_is_rejected(
    export: Path, checksums: list[Checksum], golden: Golden
) -> None:
    (export / names.ASSETS_EXTRA / names.KERAS_FILE).write_bytes(b"PK torn")
    error = rejected(export, checksums, golden)
    assert (error.rule, error.where) == ("an export must load.", names.KERAS_FILE)


def test_an_output_that_is_not_the_traced_one_is_rejected_by_name(
    trained: TrainedRun, checksums: list[Checksum], golden: Golden
) -> None:
    changed = load_golden(dump_golden(golden))
    outputs = changed[names.SIGNATURE_RECOMMEND]["outputs"]
    score = outputs[names.RECOMMENDED_SCORE]
    outputs[names.RECOMMENDED_SCORE] = np.nextafter(score, np.float32(np.inf))
    error = rejected(trained.model, checksums, changed)
    assert error.where == names.SIGNATURE_RECOMMEND
    assert error.received == f"{names.RECOMMENDED_SCORE} different"
