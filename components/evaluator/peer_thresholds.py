"""Asks the simple peers about the Examples, and raises thresholds to what they reach."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format

from components.evaluator.simple_peers import PEERS, PeerBatch, PeerTally, StageFrequency
from schemas import names
from trainer.example_batches import example_files, serialized_examples

BATCH: Final = 1024
_WEIGHTS: Final = {
    names.LIKELIHOOD: names.LIKELIHOOD_WEIGHT,
    names.RISK: names.RISK_WEIGHT,
}
_LABELS: Final = {names.LIKELIHOOD: names.LIKELIHOOD_LABEL, names.RISK: names.RISK_LABEL}


def peer_figures(train: Sequence[str], evaluation: Sequence[str], top_k: int) -> dict[str, float]:
    """Head -> what its simple peer reaches on the evaluation split.

    Args:
      train: patterns of TFRecord files.
      evaluation: likewise.
      top_k: of NDCG.

    Raises:
      TrainingRefusedError: a split has no file.
    """
    frequency = StageFrequency()
    for batch in _batches(train):
        frequency.add(batch)
    tally = PeerTally(frequency, top_k)
    for batch in _batches(evaluation):
        tally.add(batch)
    return tally.figures()


def raise_thresholds(eval_config: str, figures: Mapping[str, float]) -> str:
    """The TFMA configuration with no absolute threshold below its peer's figure.

    Args:
      eval_config: JSON of `tfma.EvalConfig`.
      figures: head -> figure of its peer; NaN leaves the threshold as it is.
    """
    config = json_format.Parse(eval_config, tfma.EvalConfig())
    for spec in config.metrics_specs:
        (head,) = spec.output_names
        figure = figures.get(head, math.nan)
        for metric in spec.metrics:
            for each in metric.per_slice_thresholds:
                # Only the metric that the peer was measured by has a change threshold too.
                bound = each.threshold.value_threshold.lower_bound
                if each.threshold.HasField("change_threshold") and figure > bound.value:
                    bound.value = figure
    raised: str = json_format.MessageToJson(config)
    return raised


def peers_document(figures: Mapping[str, float]) -> str:
    """JSON: head -> the peer and its figure, null where it is not defined."""
    told = {
        head: {"peer": PEERS[head], "figure": None if math.isnan(figure) else figure}
        for head, figure in figures.items()
    }
    return json.dumps(told, indent=1) + "\n"


def _batches(patterns: Sequence[str]) -> Iterator[PeerBatch]:
    scalar = tf.io.FixedLenFeature([], tf.float32)
    listed = tf.io.RaggedFeature(tf.float32, row_splits_dtype=tf.int64)
    spec: dict[str, Any] = {
        names.Q_STAGE: tf.io.FixedLenFeature([], tf.string),
        names.Q_DAYS_SINCE_ACTIVE: scalar,
        names.RANKING_WEIGHT: scalar,
        names.C_POPULARITY_7: listed,
        names.C_GRADE: listed,
        **dict.fromkeys((*_LABELS.values(), *_WEIGHTS.values()), scalar),
    }
    for serialized in serialized_examples(example_files(patterns)).batch(BATCH):
        row = tf.io.parse_example(serialized, spec)
        yield PeerBatch(
            stage=[stage.decode() for stage in row[names.Q_STAGE].numpy().tolist()],
            days_since_active=row[names.Q_DAYS_SINCE_ACTIVE].numpy().astype(np.float64),
            labels={head: row[key].numpy().astype(np.float64) for head, key in _LABELS.items()},
            known={head: row[key].numpy() > 0 for head, key in _WEIGHTS.items()},
            ranked=row[names.RANKING_WEIGHT].numpy() > 0,
            popularity=_lists(row[names.C_POPULARITY_7]),
            grades=_lists(row[names.C_GRADE]),
        )


def _lists(ragged: tf.RaggedTensor) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    values = ragged.values.numpy().astype(np.float64)
    return np.split(values, ragged.row_splits.numpy()[1:-1])
