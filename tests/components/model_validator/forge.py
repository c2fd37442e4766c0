"""Makes a good bundle, and broken ones from it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components.goal_calibrator.goal_export import goal_signature
from components.model_validator.inspection import Inspection
from components.model_validator.loaded_model import LoadedModel
from components.model_validator.originals import originals
from components.model_validator.report import guarded
from components.model_validator.request import Bounds, Request
from components.serving_bundle.bundle import describe_files
from schemas import names
from schemas.config import GoalpathConfig
from schemas.features import Shape
from schemas.goal_parameters import GoalParameters
from schemas.machine import machine_fingerprint
from serving.versions import manifest_path, read_manifest
from tests.pushed_run import bundle_run
from tests.trained_run import TrainedRun, trained_model
from trainer.batching import raw_feature_spec
from trainer.catalogue import read_catalogue
from trainer.export import golden_outputs
from trainer.features import input_features
from trainer.golden import dump_golden, load_golden
from trainer.golden_inputs import with_empty_lists
from trainer.model import GoalpathModel
from trainer.signatures import GoalpathModule
from trainer.train import GOLDEN_EXAMPLES
from trainer.weights import checksum, dump_checksums

Tensors = dict[str, tf.Tensor]
Call = Callable[[Tensors], Tensors]
Rewire = Callable[[Call, Tensors], Tensors]
"""What a broken signature does with the good one and the inputs."""


class Rewired:
    """A broken signature, computed as it is written; tracing it would take seconds."""

    def __init__(self, good: tf.types.experimental.ConcreteFunction, change: Rewire) -> None:
        self.structured_input_signature = good.structured_input_signature
        self.structured_outputs = good.structured_outputs
        self._good = good
        self._change = change

    def __call__(self, **inputs: tf.Tensor) -> Tensors:
        return self._change(_by_name(self._good), inputs)

    def traced(self) -> tf.types.experimental.ConcreteFunction:
        """Itself in a form that can be saved."""
        specs = self.structured_input_signature[1]
        return tf.function(self.__call__, autograph=False).get_concrete_function(**specs)


Functions = Mapping[str, Rewired | tf.types.experimental.ConcreteFunction]


@dataclasses.dataclass(frozen=True)
class Forge:
    """A trained model with its bundle, and the means to break copies of it."""

    config: GoalpathConfig
    run: TrainedRun
    model: GoalpathModel
    golden_examples: list[bytes]
    good: Path

    @functools.cached_property
    def module(self) -> GoalpathModule:
        """The trained model in a module."""
        layer = self.transform_output().transform_features_layer()
        catalogue = read_catalogue(str(self.run.catalogue), self.config)
        return GoalpathModule(self.model, layer, catalogue, self.config)

    def transform_output(self) -> tft.TFTransformOutput:
        """What the trainer was given."""
        return tft.TFTransformOutput(str(self.run.transform))

    @functools.cached_property
    def functions(self) -> Functions:
        """Its signatures."""
        functions = self.module.signatures()
        goal = goal_signature(functions, self.parameters, self.config)
        return {**functions, names.SIGNATURE_GOAL: goal}

    @functools.cached_property
    def parameters(self) -> GoalParameters:
        """Of the goal synthesis."""
        path = self.good / names.ASSETS_EXTRA / names.GOAL_PARAMETERS_FILE
        return GoalParameters.model_validate_json(path.read_text())

    def rewired(self, **changes: Rewire) -> Functions:
        """The signatures, some of them broken.

        Args:
          **changes: signature -> what it does instead.
        """
        return {
            key: Rewired(good, changes[key]) if key in changes else good
            for key, good in self.functions.items()
        }

    def predict_from_examples(self, examples: tf.Tensor, predict: Call) -> Tensors:
        """What a `predict` gives for serialized Examples."""
        parsed = tf.io.parse_example(examples, raw_feature_spec(self.config, labels=False))
        dense = {}
        for spec in input_features(self.config):
            value = parsed[spec.key]
            if isinstance(value, tf.RaggedTensor):
                value = value.to_tensor()
            dense[spec.key] = value[:, 0] if spec.shape is Shape.SCALAR else value
        return predict(dense)

    def scores_rewired(self, change: Rewire) -> Functions:
        """The signatures, with both that score broken in the same way."""

        def from_examples(_: Call, inputs: Tensors) -> Tensors:
            return self.predict_from_examples(
                inputs[names.EXAMPLES_INPUT],
                lambda dense: change(_by_name(self.functions[names.SIGNATURE_PREDICT]), dense),
            )

        return self.rewired(serving_default=from_examples, predict=change)

    @functools.cached_property
    def needs_transform(self) -> Path:
        """A believed bundle whose graph reads `secret`; not to be changed."""
        self.secret.write_text("0.0")

        def reads(good: Call, inputs: Tensors) -> Tensors:
            scores = good(inputs)
            offset = tf.strings.to_number(tf.io.read_file(str(self.secret)))
            return {**scores, names.RISK: scores[names.RISK] + offset}

        folder = self.good.parent / "needs_transform"
        folder.mkdir()
        functions = self.scores_rewired(reads)
        return self.believed(self.exported(folder, functions), functions)

    @property
    def secret(self) -> Path:
        """A file of the transform output."""
        return self.run.transform / "offset"

    def copy(self, folder: Path) -> Path:
        """A copy of the good bundle."""
        return Path(shutil.copytree(self.good, folder / "broken"))

    def exported(self, folder: Path, functions: Functions) -> Path:
        """A bundle with another SavedModel, and all else of the good one."""
        bundle, saved = self.copy(folder), folder / "saved"
        signatures = {k: f.traced() if isinstance(f, Rewired) else f for k, f in functions.items()}
        tf.saved_model.save(self.module, str(saved), signatures=signatures)
        for name in ("saved_model.pb", "fingerprint.pb", "variables", "assets"):
            remove(bundle / name)
            shutil.move(str(saved / name), str(bundle / name))
        sign(bundle)
        return bundle

    def restored(self, folder: Path, weights: Sequence[keras.Variable]) -> Path:
        """A bundle whose SavedModel restores other weights."""
        bundle = self.copy(folder)
        remove(bundle / "variables")
        checkpoint = tf.train.Checkpoint(model_vars=[weight.value for weight in weights])
        checkpoint.write(str(bundle / "variables" / "variables"))
        sign(bundle)
        return bundle

    def believed(self, bundle: Path, functions: Functions, *, golden_rows: int = 0) -> Path:
        """Makes the trainer's files anew, as if the trainer itself believed in the model.

        Args:
          bundle: gets them.
          functions: its signatures.
          golden_rows: how many Examples are golden; 0: all.
        """
        extra = bundle / names.ASSETS_EXTRA
        weights = [checksum(w.path, w.numpy()) for w in self.model.serving.weights]
        (extra / names.CHECKSUMS_FILE).write_text(dump_checksums(weights))
        chosen = self.golden_examples[: golden_rows or None]
        examples = with_empty_lists(chosen, self.config)
        golden = golden_outputs(self.module, functions, examples, self.config)
        content = dump_golden(golden, machine=machine_fingerprint())
        (extra / names.GOLDEN_FILE).write_bytes(content)
        self.model.serving.save(extra / names.KERAS_FILE)
        sign(bundle)
        return bundle

    @contextlib.contextmanager
    def weights_changed(self, changes: Mapping[str, float | None]) -> Iterator[list[str]]:
        """Overwrites weights while it is open.

        Args:
          changes: part of a weight's path -> the value to fill it with; None draws it
            anew.

        Yields:
          The paths that were changed.
        """
        weights = self.model.serving.weights
        before = [weight.numpy() for weight in weights]
        rng = np.random.default_rng(5)
        changed = []
        for part, value in changes.items():
            for weight in weights:
                if part in weight.path:
                    drawn = rng.normal(size=weight.shape)
                    weight.assign(drawn if value is None else np.full(weight.shape, value))
                    changed.append(weight.path)
        try:
            yield changed
        finally:
            for weight, value in zip(weights, before, strict=True):
                weight.assign(value)

    def failures(
        self,
        bundle: Path,
        functions: Functions | None = None,
        *,
        believed: bool = False,
        only: Collection[str] = (),
        **bounds: float,
    ) -> dict[str, str]:
        """Name -> detail of each check that fails.

        Args:
          bundle: to inspect.
          functions: taken for the signatures that the bundle's SavedModel would have,
            without saving and loading it; None loads it.
          believed: the trainer wrote the very files of the bundle; else those of the
            good one.
          only: run no other checks than these; none: all.
          **bounds: limits to keep.
        """
        trainer = bundle if believed else self.run.calibrated
        request = Request(
            model_dir=str(bundle),
            trained_files=originals(trainer, self.run.transform),
            forbidden=(str(self.run.transform), str(self.run.calibrated)),
            bounds=Bounds(**bounds),
            report="",
        )
        in_memory = SimpleNamespace(signatures=functions, model_vars=self.module.model_vars)
        loaded = None if functions is None else LoadedModel(in_memory)
        checks = Inspection(request, lambda folder: loaded or LoadedModel.load(folder)).checks()
        found = [guarded(name, functools.partial(checks[name], name)) for name in only or checks]
        return {check.name: check.detail for check in found if not check.passed}


def _by_name(function: tf.types.experimental.ConcreteFunction) -> Call:
    return lambda inputs: dict(function(**inputs))


def make_forge(trained: TrainedRun, folder: Path) -> Forge:
    """Bundles a copy of a trained run."""
    run = TrainedRun(trained.config, Path(shutil.copytree(trained.root, folder / "run")))
    content = (run.calibrated / names.ASSETS_EXTRA / names.GOLDEN_FILE).read_bytes()
    examples = load_golden(content)[names.SIGNATURE_DEFAULT]["inputs"][names.EXAMPLES_INPUT]
    states = folder / names.STATES_FILE
    states.write_bytes(b"states")
    bundle_run(run, states, folder / "good")
    return Forge(
        run.config,
        run,
        trained_model(run),
        examples[:GOLDEN_EXAMPLES].tolist(),
        folder / "good",
    )


def remove(path: Path) -> None:
    """Removes a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sign(bundle: Path) -> None:
    """Makes the manifest agree with the files, as an unlucky export would."""
    manifest = {**read_manifest(bundle), "files": describe_files(bundle)}
    manifest_path(bundle).write_text(json.dumps(manifest))
