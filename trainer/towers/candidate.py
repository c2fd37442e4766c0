"""The candidate tower: an engagement, as it stands to a student, as a vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import keras

from schemas.config import GoalpathConfig
from trainer import features
from trainer.embeddings import EmbeddingTables
from trainer.features import Group
from trainer.towers.layer_stack import dense_stack

ENGAGEMENT_EMBEDDING: Final = "engagement_embedding"
"""Name of the layer whose output is the embedding."""


def engagement_embedding(
    inputs: Mapping[str, keras.KerasTensor], config: GoalpathConfig, tables: EmbeddingTables
) -> keras.KerasTensor:
    """Attributes, type, id, popularity, own use and calendar -> float32 `[B, N, D]`.

    Each candidate is encoded by itself: its vector does not depend on the others in
    the list. Padding gets vectors too; who reads them has to mask.

    Args:
      inputs: the model's inputs of the group CANDIDATES.
      config: of the data set.
      tables: shared with the query tower.
    """
    training = config.training
    parts = [inputs[Group.CANDIDATES.numbers]]
    for category in features.categories(config):
        if category.group is Group.CANDIDATES:
            parts.append(tables.category(category, inputs[category.index]))
    for text in features.texts(config):
        if text.group is Group.CANDIDATES:
            parts.append(tables.text(text, inputs[text.tokens]))
    hidden = dense_stack(
        keras.layers.Concatenate(name="candidate_features")(parts),
        training.candidate_units,
        training.dropout,
        training.seed,
        name="candidate",
    )
    return keras.layers.Dense(training.embedding_dim, name=ENGAGEMENT_EMBEDDING)(hidden)
