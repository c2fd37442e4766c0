"""TFMA extractors that carry only what the metrics read.

TFMA turns every feature and output of every Example into a row of its own before it
slices. A snapshot has some sixty features with a value per candidate, and none of
them is a label, a weight or a slice.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

import apache_beam as beam
import pyarrow as pa
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.extractors import extractor, unbatch_extractor

Extracts = dict[str, Any]  # TFMA's own type: text to nested arrays.

_PROJECT_FEATURES: Final = "ProjectFeatures"
_PROJECT_PREDICTIONS: Final = "ProjectPredictions"


def custom_extractors(
    eval_shared_model: Any, eval_config: tfma.EvalConfig, tensor_adapter_config: Any
) -> list[extractor.Extractor]:
    """TFMA's default extractors between two projections; TFX calls this by its name.

    Args:
      eval_shared_model: one model, or a list of candidate and baseline.
      eval_config: says which labels, weights, slices and outputs are read.
      tensor_adapter_config: as TFX gives it; None without a schema.
    """
    extractors = tfma.default_extractors(
        eval_shared_model=eval_shared_model,
        eval_config=eval_config,
        tensor_adapter_config=tensor_adapter_config,
    )
    stages = [each.stage_name for each in extractors]
    unbatch = stages.index(unbatch_extractor.UNBATCH_EXTRACTOR_STAGE_NAME)
    columns = frozenset(read_features(eval_config)) | {tfma.ARROW_INPUT_COLUMN}
    outputs = frozenset(name for spec in eval_config.metrics_specs for name in spec.output_names)
    keep_columns = functools.partial(_keep_columns, columns=columns)
    keep_outputs = functools.partial(_keep_outputs, outputs=outputs)
    return [
        extractor.Extractor(_PROJECT_FEATURES, beam.Map(keep_columns)),
        *extractors[:unbatch],
        extractor.Extractor(_PROJECT_PREDICTIONS, beam.Map(keep_outputs)),
        *extractors[unbatch:],
    ]


def read_features(eval_config: tfma.EvalConfig) -> set[str]:
    """The features that labels, weights and slices are taken from."""
    keys: set[str] = set()
    for model in eval_config.model_specs:
        keys.update(model.label_keys.values(), model.example_weight_keys.values())
    for spec in eval_config.slicing_specs:
        keys.update(spec.feature_keys, spec.feature_values)
    return keys


def _keep_columns(extracts: Extracts, *, columns: frozenset[str]) -> Extracts:
    batch: pa.RecordBatch = extracts[tfma.ARROW_RECORD_BATCH_KEY]
    kept = [name for name in batch.schema.names if name in columns]
    arrays = [batch.column(batch.schema.get_field_index(name)) for name in kept]
    projected = pa.RecordBatch.from_arrays(arrays, kept)
    return {**extracts, tfma.ARROW_RECORD_BATCH_KEY: projected}


def _keep_outputs(extracts: Extracts, *, outputs: frozenset[str]) -> Extracts:
    rest = {key: value for key, value in extracts.items() if key != tfma.INPUT_KEY}
    return {**rest, tfma.PREDICTIONS_KEY: _select(extracts[tfma.PREDICTIONS_KEY], outputs)}


def _select(predictions: Mapping[str, Any], outputs: frozenset[str]) -> dict[str, Any]:
    if outputs & predictions.keys():
        return {name: value for name, value in predictions.items() if name in outputs}
    return {model: _select(value, outputs) for model, value in predictions.items()}
