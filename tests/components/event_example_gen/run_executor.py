"""Runs the executor of EventExampleGen on a prepared folder, and reads what it wrote.

TFX and TensorFlow are imported where they are used: they take long, and a selection of
fast tests imports this file without them.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from components.event_example_gen.splits import ALL_SPLITS
from pipeline.beam_options import LOCAL_BEAM_ARGS
from schemas import names
from schemas.config import GoalpathConfig
from schemas.features import FeatureSpec, Shape, example_features

Example = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Made:
    """The artifacts of a run.

    Attributes:
      examples: folder of the splits.
      states: folder of `states.parquet`.
      catalogue: folder of `catalogue.parquet`.
      split_names: as the artifact of the Examples has them.
    """

    examples: Path
    states: Path
    catalogue: Path
    split_names: list[str]

    @property
    def summary(self) -> dict[str, Any]:
        return dict(json.loads((self.examples / "summary.json").read_text()))

    def files(self, split: str) -> list[Path]:
        return sorted((self.examples / f"Split-{split}").iterdir())

    def records(self, split: str) -> list[bytes]:
        import tensorflow as tf

        paths = [str(path) for path in self.files(split)]
        return list(tf.data.TFRecordDataset(paths).as_numpy_iterator())

    def all_records(self) -> dict[str, list[bytes]]:
        """Split -> serialized Examples, sorted."""
        return {split: sorted(self.records(split)) for split in ALL_SPLITS}

    def read_states(self) -> list[dict[str, Any]]:
        return list(pq.read_table(self.states / names.STATES_FILE).to_pylist())

    def read_catalogue(self) -> list[dict[str, Any]]:
        return list(pq.read_table(self.catalogue / names.CATALOGUE_FILE).to_pylist())


def execute(
    folder: Path, config: GoalpathConfig, out: Path, *, as_of: str = "", window_days: int = 0
) -> Made:
    """Calls `Do` with artifacts under `out`."""
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import artifact_utils, standard_artifacts

    from components import artifacts
    from components.event_example_gen import executor

    outputs = {
        executor.EXAMPLES: standard_artifacts.Examples(),
        executor.STATES: artifacts.StudentStates(),
        executor.CATALOGUE: artifacts.Catalogue(),
    }
    for name, artifact in outputs.items():
        artifact.uri = str(out / name)
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=list(LOCAL_BEAM_ARGS), tmp_dir=str(out / "tmp"), unique_id="1"
    )
    executor.Executor(context).Do(
        {},
        {name: [artifact] for name, artifact in outputs.items()},
        {
            executor.DATA_DIR: str(folder),
            executor.CONFIG: config.model_dump_json(),
            executor.AS_OF: as_of,
            executor.WINDOW_DAYS: window_days,
            executor.FINGERPRINT: "f",
        },
    )
    split_names = outputs[executor.EXAMPLES].split_names
    return Made(*(out / name for name in outputs), artifact_utils.decode_split_names(split_names))


def parse(record: bytes, config: GoalpathConfig) -> Example:
    """The features of an Example, texts decoded and scalars as single values."""
    import tensorflow as tf

    specs = {spec.key: spec for spec in example_features(config)}
    return {
        key: _plain(feature.WhichOneof("kind"), feature, specs[key])
        for key, feature in tf.train.Example.FromString(record).features.feature.items()
    }


def _plain(kind: str, feature: Any, spec: FeatureSpec) -> Any:
    values = list(getattr(feature, kind).value)
    values = [value.decode() if isinstance(value, bytes) else value for value in values]
    if spec.shape is not Shape.SCALAR:
        return values
    [value] = values
    return value
