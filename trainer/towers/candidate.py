"""The candidate tower: an engagement, as it stands to a student, as a vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import keras

from schemas.config import GoalpathConfig
from trainer import features
from trainer.features import Group
from trainer.towers.layer_stack import DenseStack

ENGAGEMENT_EMBEDDING: Final = "engagement_embedding"
"""Name of the layer whose output is the embedding."""


class EngagementTower:
    """Attributes, type, id, popularity, own use and calendar -> float32 `[B, N, D]`.

    Each candidate is encoded by itself: its vector does not depend on the others in
    the list. Padding gets vectors too; who reads them has to mask. Called again it is
    the same layers over other tensors.

    Args:
      config: of the data set.
    """

    def __init__(self, config: GoalpathConfig) -> None:
        training = config.training
        categories, texts = features.categories(config), features.texts(config)
        self._keys = [c.key for c in categories if c.group is Group.CANDIDATES]
        self._keys += [t.key for t in texts if t.group is Group.CANDIDATES]
        self._stack = DenseStack(
            training.candidate_units, training.dropout, training.seed, name="candidate"
        )
        self._output = keras.layers.Dense(training.embedding_dim, name=ENGAGEMENT_EMBEDDING)

    def __call__(
        self,
        inputs: Mapping[str, keras.KerasTensor],
        embedded: Mapping[str, keras.KerasTensor],
    ) -> keras.KerasTensor:
        """The embeddings.

        Args:
          inputs: numbers of the group CANDIDATES.
          embedded: by feature key, of every category and text of the group.
        """
        parts = [inputs[Group.CANDIDATES.numbers], *(embedded[key] for key in self._keys)]
        return self._output(self._stack(keras.layers.Concatenate()(parts)))
