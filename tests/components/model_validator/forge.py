"""Makes a good bundle, and broken ones from it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components.model_validator.inspection import Inspection
from components.model_validator.report import failed_names
from components.model_validator.request import Bounds, Request
from components.serving_bundle.bundle import describe_files
from schemas import names
from schemas.config import GoalpathConfig
from schemas.machine import machine_fingerprint
from serving.versions import manifest_path, read_manifest, sha256_of
from tests.pushed_run import bundle_run
from tests.trained_run import TrainedRun, trained_model
from trainer.catalogue import read_catalogue
from trainer.export import golden_outputs
from trainer.golden import dump_golden, load_golden
from trainer.golden_inputs import with_empty_lists
from trainer.model import GoalpathModel
from trainer.signatures import GoalpathModule
from trainer.train import GOLDEN_EXAMPLES
from trainer.weights import checksum, dump_checksums

Functions = Mapping[str, tf.types.experimental.ConcreteFunction]


@dataclasses.dataclass(frozen=True)
class Forge:
    """A trained model with its bundle, and the means to break copies of it."""

    config: GoalpathConfig
    run: TrainedRun
    model: GoalpathModel
    golden_examples: list[bytes]
    good: Path

    def module(self, kind: type[GoalpathModule] = GoalpathModule) -> GoalpathModule:
        """The trained model in a module of the given class."""
        layer = tft.TFTransformOutput(str(self.run.transform)).transform_features_layer()
        catalogue = read_catalogue(str(self.run.catalogue), self.config)
        return kind(self.model, layer, catalogue, self.config)

    def copy(self, folder: Path) -> Path:
        """A copy of the good bundle."""
        return Path(shutil.copytree(self.good, folder / "broken"))

    def exported(
        self, folder: Path, module: GoalpathModule, functions: Functions, *, consistent: bool
    ) -> Path:
        """A bundle with another SavedModel.

        Args:
          folder: for the bundle.
          module: what to save.
          functions: its signatures.
          consistent: the trainer itself believed in it: weights.json, golden values and
            the `.keras` file are made anew from it.
        """
        bundle = self.copy(folder)
        saved = folder / "saved"
        tf.saved_model.save(module, str(saved), signatures=dict(functions))
        for name in ("saved_model.pb", "variables", "assets"):
            remove(bundle / name)
            if (saved / name).exists():
                shutil.move(str(saved / name), str(bundle / name))
        remove(bundle / "fingerprint.pb")
        if consistent:
            self._believe(bundle / names.ASSETS_EXTRA, functions)
        sign(bundle)
        return bundle

    def _believe(self, extra: Path, functions: Functions) -> None:
        weights = [checksum(w.path, w.numpy()) for w in self.model.serving.weights]
        (extra / names.CHECKSUMS_FILE).write_text(dump_checksums(weights))
        examples = with_empty_lists(self.golden_examples, self.config)
        golden = golden_outputs(functions, examples, self.config)
        content = dump_golden(golden, machine=machine_fingerprint())
        (extra / names.GOLDEN_FILE).write_bytes(content)
        self.model.serving.save(extra / names.KERAS_FILE)

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
                if part in weight.path and weight.dtype == "float32":
                    drawn = rng.normal(size=weight.shape)
                    weight.assign(drawn if value is None else np.full(weight.shape, value))
                    changed.append(weight.path)
        try:
            yield changed
        finally:
            for weight, value in zip(weights, before, strict=True):
                weight.assign(value)

    def failures(self, bundle: Path, *, like_trainer: bool = False, **bounds: float) -> list[str]:
        """Names of the checks that fail.

        Args:
          bundle: to inspect.
          like_trainer: the trainer wrote the very files of the bundle; else those of
            the good one.
          **bounds: limits to keep.
        """
        trainer = bundle if like_trainer else self.good
        extra = (names.CHECKSUMS_FILE, names.GOLDEN_FILE, names.KERAS_FILE)
        files = [f"{names.ASSETS_EXTRA}/{name}" for name in extra]
        request = Request(
            model_dir=str(bundle),
            trained_files={name: sha256_of(trainer / name) for name in files},
            forbidden=(str(self.run.transform), str(self.run.model)),
            bounds=Bounds(**bounds),
            report="",
        )
        return failed_names(Inspection(request).run())


def make_forge(trained: TrainedRun, folder: Path) -> Forge:
    """Bundles a copy of a trained run."""
    run = TrainedRun(trained.config, Path(shutil.copytree(trained.root, folder / "run")))
    content = (run.model / names.ASSETS_EXTRA / names.GOLDEN_FILE).read_bytes()
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
