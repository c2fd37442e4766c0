"""Runs Transform's analysis and the trainer on Examples, without TFX's components."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas import features, names
from schemas.config import GoalpathConfig
from schemas.features import DType
from tests.random_examples import (
    AUDIENCES,
    CATEGORIES,
    DAY,
    ENGAGEMENTS,
    FIRST_INSTANT,
    TYPES,
    WORDS,
    Row,
    engagement_id,
    random_rows,
    serialize,
    small_config,
    write_examples,
)
from tests.small_patterns import small_patterns

if TYPE_CHECKING:
    from trainer.model import GoalpathModel

AS_OF = FIRST_INSTANT + 300 * DAY
AS_OF_TEXT = (
    dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc) + dt.timedelta(microseconds=AS_OF)
).isoformat()
TRAIN_ROWS = 768
CALIBRATION_ROWS = 128


def analyse(config: GoalpathConfig, serialized: Sequence[bytes], output: Path) -> None:
    """Runs `preprocessing_fn` over Examples, as Transform does."""
    import apache_beam as beam
    import tensorflow_transform.beam as tft_beam
    from tensorflow_transform.tf_metadata import schema_utils
    from tfx_bsl.public import tfxio

    from trainer.batching import raw_feature_spec
    from trainer.preprocessing import preprocessing_fn

    schema = schema_utils.schema_from_feature_spec(raw_feature_spec(config, labels=True))
    source = tfxio.TFExampleBeamRecord(physical_format="inmem", schema=schema)
    custom = {"config": config.model_dump_json()}
    with (
        tft_beam.Context(
            temp_dir=str(output) + "-temp",
            use_deep_copy_optimization=True,
            force_tf_compat_v1=False,
        ),
        beam.Pipeline() as pipeline,
    ):
        data = pipeline | beam.Create(list(serialized), reshuffle=False) | source.BeamSource()
        analysed = (data, source.TensorAdapterConfig()) | tft_beam.AnalyzeDataset(
            lambda inputs: preprocessing_fn(inputs, custom)
        )
        _ = analysed | tft_beam.WriteTransformFn(str(output))


def catalogue_table(config: GoalpathConfig, *, seed: int = 7) -> pa.Table:
    """Every engagement for both audiences, some of them opening or closing around AS_OF."""
    from trainer.catalogue import catalogue_features

    rng = np.random.default_rng(seed)
    index = np.tile(np.arange(ENGAGEMENTS), len(AUDIENCES))
    count = len(index)
    columns: dict[str, object] = {
        names.AUDIENCE: np.repeat(np.array([a.decode() for a in AUDIENCES]), ENGAGEMENTS)
    }
    for spec in catalogue_features(config):
        if spec.dtype is DType.FLOAT:
            columns[spec.key] = rng.gamma(1.0, 5.0, count).astype(np.float32)
        elif spec.kind is features.Kind.TEXT:
            columns[spec.key] = [rng.choice(WORDS).decode() for _ in index]
        else:
            columns[spec.key] = [rng.choice(CATEGORIES).decode() for _ in index]
    for spec in catalogue_features(config):
        if spec.known_key:
            known = rng.integers(0, 2, count).astype(np.float32)
            columns[spec.known_key] = known
            columns[spec.key] = columns[spec.key] * known
    for key in names.FRESH_POPULARITY:
        columns[key] = rng.beta(0.3, 3.0, count).astype(np.float32)
    columns[names.C_ID] = [engagement_id(i).decode() for i in index]
    columns[names.C_TYPE] = [TYPES[i % len(TYPES)].decode() for i in index]
    for key in (names.AVAILABLE_FROM, names.AVAILABLE_TO, names.DUE):
        instants = AS_OF + rng.integers(-400, 400, count) * DAY
        columns[key] = pa.array(instants, pa.int64(), mask=rng.random(count) < 0.5)
    return pa.table(columns)


def write_catalogue(config: GoalpathConfig, folder: Path) -> None:
    """The files of a Catalogue artifact."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(catalogue_table(config), folder / names.CATALOGUE_FILE)
    (folder / names.CATALOGUE_SUMMARY_FILE).write_text(json.dumps({"as_of": AS_OF_TEXT}))


@dataclasses.dataclass(frozen=True)
class TrainedRun:
    """A finished run; `fn_args` is what the trainer was given."""

    config: GoalpathConfig
    root: Path

    @property
    def transform(self) -> Path:
        return self.root / "transform"

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def calibrated(self) -> Path:
        """The model with the signature `goal`."""
        return self.root / "calibrated"

    @property
    def model_run(self) -> Path:
        return self.root / "model_run"

    @property
    def catalogue(self) -> Path:
        return self.root / "catalogue"

    @property
    def fn_args(self) -> SimpleNamespace:
        return SimpleNamespace(
            train_files=[str(self.root / "train" / "*")],
            eval_files=[str(self.root / "calibration" / "*")],
            transform_graph_path=str(self.transform),
            serving_model_dir=str(self.model),
            model_run_dir=str(self.model_run),
            custom_config={
                "config": self.config.model_dump_json(),
                "catalogue": str(self.catalogue),
            },
        )


def prepare(
    config: GoalpathConfig,
    root: Path,
    *,
    train: Sequence[bytes],
    calibration: Sequence[bytes],
    analysed: Path | None = None,
) -> TrainedRun:
    """Writes what the trainer reads; analyses the Examples unless that was done."""
    run = TrainedRun(config, root)
    write_examples(root / "train" / "data-00000-of-00001", train)
    write_examples(root / "calibration" / "data-00000-of-00001", calibration)
    write_catalogue(config, run.catalogue)
    if analysed is None:
        analyse(config, train, run.transform)
    else:
        shutil.copytree(analysed, run.transform)
    return run


def train_rows(config: GoalpathConfig) -> list[Row]:
    """What `make_trained_run` learns from."""
    return random_rows(config, TRAIN_ROWS, seed=11)


def make_trained_run(root: Path) -> TrainedRun:
    """Analyses, trains, exports, and exports again with the signature `goal`."""
    from components.goal_calibrator.calibrated_model import write_calibrated_model
    from trainer.train import run_fn

    config = small_config(epochs=6)
    run = prepare(
        config,
        root,
        train=serialize(config, train_rows(config)),
        calibration=serialize(config, random_rows(config, CALIBRATION_ROWS, seed=12)),
    )
    run_fn(run.fn_args)
    write_calibrated_model(
        run.model,
        run.calibrated,
        train=run.fn_args.train_files,
        calibration=run.fn_args.eval_files,
        patterns=small_patterns(config),
        config=config,
    )
    return run


def trained_model(run: TrainedRun) -> GoalpathModel:
    """The model of a finished run with all its parts, as it was in memory."""
    import keras
    import tensorflow_transform as tft

    from trainer.model import build_model
    from trainer.train import vocabulary_sizes

    sizes = vocabulary_sizes(run.config, tft.TFTransformOutput(str(run.transform)))
    model = build_model(run.config, sizes)
    saved = keras.models.load_model(run.model / names.ASSETS_EXTRA / names.KERAS_FILE)
    model.serving.set_weights(saved.get_weights())
    return model
