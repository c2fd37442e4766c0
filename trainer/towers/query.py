"""The query tower: the state of a student as a vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import keras

from schemas import names
from schemas.config import GoalpathConfig
from trainer import features
from trainer.features import Group
from trainer.towers.history_pooling import DecayedAttentionPooling
from trainer.towers.layer_stack import DenseStack
from trainer.towers.piecewise_linear import PiecewiseLinear
from trainer.towers.type_pooling import TypePooling

STUDENT_EMBEDDING: Final = "student_embedding"
"""Name of the layer whose output is the embedding."""

Tensors = Mapping[str, keras.KerasTensor]


class StudentTower:
    """Profile, stage, calendar, counts, types met and history -> float32 `[B, D]`.

    Called again it is the same layers over other tensors.

    Args:
      config: of the data set.
    """

    def __init__(self, config: GoalpathConfig) -> None:
        training = config.training
        self._config = config
        self._pieces = PiecewiseLinear(name="query_pieces")
        self._types = TypePooling(training.embedding_dim, name="type_pooling")
        self._history = DecayedAttentionPooling(training.embedding_dim // 2, name="history_pooling")
        self._stack = DenseStack(
            training.hidden_units, training.dropout, training.seed, name="query"
        )
        self._output = keras.layers.Dense(training.embedding_dim, name=STUDENT_EMBEDDING)

    def __call__(self, inputs: Tensors, embedded: Tensors) -> keras.KerasTensor:
        """The embedding.

        Args:
          inputs: numbers of the groups QUERY, TYPES and HISTORY, ids of the latter two.
          embedded: by feature key, of every category and text of these groups.
        """
        numbers = inputs[Group.QUERY.numbers]
        texts = [t.key for t in features.texts(self._config) if t.group is Group.QUERY]
        parts = [
            numbers,
            self._pieces(numbers),
            *(embedded[key] for key in (*self._keys(Group.QUERY), *texts)),
            self._types_met(inputs, embedded),
            self._events(inputs, embedded),
        ]
        return self._output(self._stack(_side_by_side(parts)))

    def _keys(self, group: Group) -> list[str]:
        return [c.key for c in features.categories(self._config) if c.group is group]

    def _types_met(self, inputs: Tensors, embedded: Tensors) -> keras.KerasTensor:
        parts = [inputs[Group.TYPES.numbers], *(embedded[k] for k in self._keys(Group.TYPES))]
        index = inputs[names.TYPE_NAME + features.INDEX_SUFFIX]
        return self._types([_side_by_side(parts), index])

    def _events(self, inputs: Tensors, embedded: Tensors) -> keras.KerasTensor:
        numbers = inputs[Group.HISTORY.numbers]
        parts = [numbers, *(embedded[key] for key in self._keys(Group.HISTORY))]
        index = inputs[names.HISTORY_ID + features.INDEX_SUFFIX]
        age = features.place_of(self._config, Group.HISTORY, names.HISTORY_DAYS_AGO)
        return self._history([_side_by_side(parts), numbers[:, :, age], index])


def _side_by_side(parts: list[keras.KerasTensor]) -> keras.KerasTensor:
    return keras.layers.Concatenate()(parts)
