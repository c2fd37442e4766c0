"""Compares the statistics of the splits with the schema, the past and the future."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from schemas import names
from schemas.example_schema import SERVING_ENVIRONMENT, TRAINING_ENVIRONMENT

Statistics: TypeAlias = statistics_pb2.DatasetFeatureStatisticsList


def validate_splits(
    statistics: Mapping[str, Statistics],
    schema: schema_pb2.Schema,
    previous: Statistics | None,
) -> dict[str, anomalies_pb2.Anomalies]:
    """The anomalies of every split.

    The training split is also compared with that of the last pushed version (drift)
    and with the states to be served (skew), as far as the schema has comparators. A
    serving split without Examples is not looked at: everyone has ended.

    Args:
      statistics: per split.
      schema: with its environments and comparators.
      previous: of the training split of the last pushed version; None: no drift.
    """
    serving = statistics.get(names.SERVING)
    if serving is not None and example_count(serving) == 0:
        serving = None
    return {
        split: tfdv.validate_statistics(
            each,
            schema,
            environment=SERVING_ENVIRONMENT if split == names.SERVING else TRAINING_ENVIRONMENT,
            previous_statistics=previous if split == names.TRAIN else None,
            serving_statistics=serving if split == names.TRAIN else None,
        )
        for split, each in statistics.items()
        if split != names.SERVING or serving is not None
    }


def example_count(statistics: Statistics) -> int:
    """The number of Examples that the statistics are of."""
    return sum(int(dataset.num_examples) for dataset in statistics.datasets[:1])
