"""The query tower: the state of a student as a vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import keras

from schemas import names
from schemas.config import GoalpathConfig
from trainer import features
from trainer.embeddings import EmbeddingTables
from trainer.features import Group
from trainer.towers.history_pooling import DecayedAttentionPooling
from trainer.towers.layer_stack import dense_stack
from trainer.towers.piecewise_linear import PiecewiseLinear
from trainer.towers.type_pooling import TypePooling

STUDENT_EMBEDDING: Final = "student_embedding"
"""Name of the layer whose output is the embedding."""

Inputs = Mapping[str, keras.KerasTensor]


def student_embedding(
    inputs: Inputs, config: GoalpathConfig, tables: EmbeddingTables
) -> keras.KerasTensor:
    """Profile, stage, calendar, counts, types met and history -> float32 `[B, D]`.

    Args:
      inputs: the model's inputs of the groups QUERY, TYPES and HISTORY.
      config: of the data set.
      tables: shared with the candidate tower.
    """
    training = config.training
    numbers = inputs[Group.QUERY.numbers]
    parts = [
        numbers,
        PiecewiseLinear(name="query_pieces")(numbers),
        *_categories(inputs, config, tables, Group.QUERY),
        *_texts(inputs, config, tables),
        _types(inputs, config, tables),
        _history(inputs, config, tables),
    ]
    hidden = dense_stack(
        keras.layers.Concatenate(name="query_features")(parts),
        training.hidden_units,
        training.dropout,
        training.seed,
        name="query",
    )
    return keras.layers.Dense(training.embedding_dim, name=STUDENT_EMBEDDING)(hidden)


def _categories(
    inputs: Inputs, config: GoalpathConfig, tables: EmbeddingTables, group: Group
) -> list[keras.KerasTensor]:
    return [
        tables.category(category, inputs[category.index])
        for category in features.categories(config)
        if category.group is group
    ]


def _texts(
    inputs: Inputs, config: GoalpathConfig, tables: EmbeddingTables
) -> list[keras.KerasTensor]:
    return [
        tables.text(text, inputs[text.tokens])
        for text in features.texts(config)
        if text.group is Group.QUERY
    ]


def _types(inputs: Inputs, config: GoalpathConfig, tables: EmbeddingTables) -> keras.KerasTensor:
    parts = [inputs[Group.TYPES.numbers], *_categories(inputs, config, tables, Group.TYPES)]
    values = keras.layers.Concatenate(name="type_features")(parts)
    index = inputs[names.TYPE_NAME + features.INDEX_SUFFIX]
    return TypePooling(config.training.embedding_dim, name="type_pooling")([values, index])


def _history(inputs: Inputs, config: GoalpathConfig, tables: EmbeddingTables) -> keras.KerasTensor:
    numbers = inputs[Group.HISTORY.numbers]
    parts = [numbers, *_categories(inputs, config, tables, Group.HISTORY)]
    events = keras.layers.Concatenate(name="event_features")(parts)
    index = inputs[names.HISTORY_ID + features.INDEX_SUFFIX]
    keys = [channel.key for channel in features.channels(config, Group.HISTORY)]
    ages = numbers[:, :, keys.index(names.HISTORY_DAYS_AGO)]
    pooling = DecayedAttentionPooling(config.training.embedding_dim // 2, name="history_pooling")
    return pooling([events, ages, index])
