"""The signatures of the SavedModel: one `tf.Module`, one traced function each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import tensorflow as tf

from schemas import names
from schemas.config import GoalpathConfig
from schemas.features import FeatureSpec, candidate_features, query_features, used_features
from trainer.attribution import integrated_gradients
from trainer.batching import (
    MaybeRagged,
    dense_signature,
    model_inputs,
    raw_feature_spec,
    raw_from_dense,
)
from trainer.catalogue import Catalogue
from trainer.catalogue_in_graph import CatalogueInGraph
from trainer.features import Group, input_features
from trainer.model import ENGAGEMENT_GROUPS, STUDENT_GROUPS, GoalpathModel

Tensors = Mapping[str, tf.Tensor]
Signature = Callable[..., dict[str, tf.Tensor]]


class GoalpathModule(tf.Module):  # type: ignore[misc]
    """What is exported: weights, transform graph, catalogue and functions.

    Args:
      model: trained.
      transform_layer: `TFTransformOutput.transform_features_layer()`; held here, so
        that its vocabularies are exported too.
      catalogue: goes into the graph of `recommend`.
      config: of the data set.

    Attributes:
      model_vars: the weights, in the order of `model.serving.weights`. A loaded
        SavedModel has no Keras model to ask, so validation reads them here.
    """

    def __init__(
        self,
        model: GoalpathModel,
        transform_layer: Callable[[Mapping[str, MaybeRagged]], Mapping[str, MaybeRagged]],
        catalogue: Catalogue,
        config: GoalpathConfig,
    ) -> None:
        super().__init__(name="goalpath")
        self._config = config
        self._model = model
        self._transform = transform_layer
        self.model_vars = [weight.value for weight in model.serving.weights]
        self._catalogue = CatalogueInGraph(catalogue, config, transform_layer)

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Signature name -> traced function, by the names of `schemas.names`."""
        query = dense_signature(query_features(self._config))
        candidates = candidate_features(self._config)
        examples = tf.TensorSpec([None], tf.string, names.EXAMPLES_INPUT)
        return {
            names.SIGNATURE_DEFAULT: _traced(self._from_examples, {names.EXAMPLES_INPUT: examples}),
            names.SIGNATURE_PREDICT: _traced(
                self._predict, {**query, **dense_signature(candidates)}
            ),
            names.SIGNATURE_RECOMMEND: _traced(self._recommend, self._recommend_signature(query)),
            names.SIGNATURE_EMBED_STUDENT: _traced(self._embed_student, query),
            names.SIGNATURE_EMBED_ENGAGEMENT: _traced(
                self._embed_engagement, _one_each(candidates)
            ),
            names.SIGNATURE_GOAL_GIVEN: _traced(
                self._goal_given, {**query, **dense_signature(candidates)}
            ),
            names.SIGNATURE_ATTRIBUTE: _traced(
                self._attribute,
                {
                    **query,
                    **dense_signature(candidates),
                    names.ATTRIBUTED_HEAD: tf.TensorSpec([], tf.string, names.ATTRIBUTED_HEAD),
                },
            ),
        }

    def read(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the Keras model reads of serialized Examples, string `[B]`."""
        raw = tf.io.parse_example(examples, raw_feature_spec(self._config, labels=False))
        return model_inputs(self._transform(raw), self._config, tuple(Group))

    def _recommend_signature(self, query: dict[str, tf.TensorSpec]) -> dict[str, tf.TensorSpec]:
        texts = (names.FRESH_AUDIENCE, names.FRESH_ID)
        return {
            **query,
            **dense_signature(used_features()),
            names.AUDIENCE: tf.TensorSpec([None], tf.string, names.AUDIENCE),
            names.SNAPSHOT_TIME: tf.TensorSpec([None], tf.int64, names.SNAPSHOT_TIME),
            names.TOP_K_INPUT: tf.TensorSpec([], tf.int32, names.TOP_K_INPUT),
            **{key: tf.TensorSpec([None], tf.string, key) for key in texts},
            **{
                key: tf.TensorSpec([None], tf.float32, key)
                for key in names.FRESH_POPULARITY.values()
            },
        }

    def _scores(self, raw: Mapping[str, MaybeRagged]) -> dict[str, tf.Tensor]:
        inputs = model_inputs(self._transform(raw), self._config, tuple(Group))
        return dict(self._model.serving(inputs, training=False))

    def _from_examples(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        parsing = raw_feature_spec(self._config, labels=False)
        return self._scores(tf.io.parse_example(inputs[names.EXAMPLES_INPUT], parsing))

    def _predict(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._scores(raw_from_dense(inputs, input_features(self._config)))

    def _goal_given(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        raw = raw_from_dense(inputs, input_features(self._config))
        listed = model_inputs(self._transform(raw), self._config, tuple(Group))
        scores = self._model.serving(listed, training=False)
        given = self._model.goals(listed, training=False)[names.GOAL_GIVEN]
        return {**{key: scores[key] for key in names.OF_ENGAGEMENT}, names.GOAL_GIVEN: given}

    def _query_inputs(self, inputs: Tensors) -> dict[str, tf.Tensor]:
        raw = raw_from_dense(inputs, query_features(self._config))
        return model_inputs(self._transform(raw), self._config, STUDENT_GROUPS)

    def _embed_student(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {names.EMBEDDING: self._model.student(self._query_inputs(inputs), training=False)}

    def _embed_engagement(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        raw = {key: _single(value) for key, value in inputs.items()}
        listed = model_inputs(self._transform(raw), self._config, ENGAGEMENT_GROUPS)
        return {names.EMBEDDING: self._model.engagement(listed, training=False)[:, 0]}

    def _attribute(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        head = inputs.pop(names.ATTRIBUTED_HEAD)
        raw = raw_from_dense(inputs, input_features(self._config))
        read = model_inputs(self._transform(raw), self._config, tuple(Group))
        return integrated_gradients(self._model, read, head, self._config)

    def _recommend(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        offers = self._catalogue.offers(inputs[names.AUDIENCE], inputs[names.SNAPSHOT_TIME])
        candidates = self._catalogue.candidate_inputs(offers, inputs, inputs)
        listed = {**self._query_inputs(inputs), **candidates}
        scores = self._model.ranking(listed, training=False)
        ids, best = self._catalogue.top(offers, scores, inputs[names.TOP_K_INPUT])
        return {names.RECOMMENDED_ID: ids, names.RECOMMENDED_SCORE: best}


def _single(values: tf.Tensor) -> tf.RaggedTensor:
    """`[B]` as lists of one value, ragged `[B, None]`."""
    # Explicit splits: a uniform row length is another type than the transform graph's.
    splits = tf.range(tf.shape(values, out_type=tf.int64)[0] + 1)
    return tf.RaggedTensor.from_row_splits(values, splits, validate=False)


def _one_each(specs: Iterable[FeatureSpec]) -> dict[str, tf.TensorSpec]:
    """One engagement a row: each candidate feature as `[B]`."""
    dense = dense_signature(specs)
    return {key: tf.TensorSpec([None], spec.dtype, key) for key, spec in dense.items()}


def _traced(
    function: Signature, inputs: Mapping[str, tf.TensorSpec]
) -> tf.types.experimental.ConcreteFunction:
    return tf.function(function, autograph=False).get_concrete_function(**inputs)
