"""The embedding tables, shared by both towers where features share a vocabulary."""

from __future__ import annotations

import math
from collections.abc import Mapping

import keras

from schemas.config import GoalpathConfig
from trainer import features
from trainer.towers.token_mean import TokenMean
from trainer.towers.unknown_dropout import UnknownDropout

MAX_WIDTH = 16


def width(size: int) -> int:
    """Width of the embedding of a vocabulary of `size`: 1.6 size^0.56, 2 to MAX_WIDTH."""
    return max(2, min(MAX_WIDTH, math.ceil(1.6 * math.pow(size, 0.56))))


class EmbeddingTables:
    """One table for each vocabulary, made when first asked for.

    Args:
      config: of the data set.
      sizes: vocabulary name -> entries learned, without "missing" and "unknown".
    """

    def __init__(self, config: GoalpathConfig, sizes: Mapping[str, int]) -> None:
        self._config = config
        self._sizes = sizes
        self._tables: dict[str, keras.layers.Layer] = {}
        self._dropouts: dict[str, keras.layers.Layer] = {}

    def all(self, inputs: Mapping[str, keras.KerasTensor]) -> dict[str, keras.KerasTensor]:
        """Feature key -> its embedding, of every category and text in `inputs`."""
        categories, texts = features.categories(self._config), features.texts(self._config)
        return {
            **{c.key: self.category(c, inputs[c.index]) for c in categories if c.index in inputs},
            **{t.key: self.text(t, inputs[t.tokens]) for t in texts if t.tokens in inputs},
        }

    def category(self, category: features.Category, index: keras.KerasTensor) -> keras.KerasTensor:
        """Embedding of a category, `[..., width]` for an index `[...]`."""
        name = category.vocabulary
        if name not in self._tables:
            rows = self._rows(name)
            self._tables[name] = keras.layers.Embedding(rows, width(rows), name=f"embed_{name}")
        return self._tables[name](self._dropout(name)(index))

    def text(self, text: features.Text, tokens: keras.KerasTensor) -> keras.KerasTensor:
        """Mean embedding of a text, `[..., width]` for tokens `[..., L]`."""
        name = text.vocabulary
        if name not in self._tables:
            rows = self._rows(name)
            self._tables[name] = TokenMean(rows, width(rows), name=f"embed_{name}")
        return self._tables[name](self._dropout(name)(tokens))

    def unknown(self, vocabulary: str) -> int:
        """Index of the entry for all that is outside a vocabulary."""
        return 1 + self._sizes[vocabulary]

    def _rows(self, vocabulary: str) -> int:
        return self.unknown(vocabulary) + 1

    def _dropout(self, name: str) -> keras.layers.Layer:
        training = self._config.training
        if name not in self._dropouts:
            is_id = name == features.ENGAGEMENT_VOCABULARY
            self._dropouts[name] = UnknownDropout(
                training.id_dropout if is_id else training.category_dropout,
                unknown=self.unknown(name),
                seed=training.seed,
                by_row=is_id,
                name=f"hide_{name}",
            )
        return self._dropouts[name]
