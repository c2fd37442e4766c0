"""Inputs for every signature, made from serialized Examples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schemas import names
from schemas.config import GoalpathConfig
from schemas.features import Role, candidate_features, key_features, query_features
from trainer.batching import dense_from_raw, is_list, raw_feature_spec, tensor_dtype
from trainer.features import input_features

Array = npt.NDArray[np.generic]
Inputs = dict[str, dict[str, Array]]

TOP_K = 10


def with_empty_lists(serialized: Sequence[bytes], config: GoalpathConfig) -> list[bytes]:
    """The Examples, and the first of them again without any list, candidate or event."""
    emptied = []
    for keep in (Role.QUERY, Role.CANDIDATE, None):
        example = tf.train.Example.FromString(serialized[0])
        for spec in input_features(config):
            if is_list(spec) and spec.role is not keep:
                del example.features.feature[spec.key]
        emptied.append(example.SerializeToString())
    return [*serialized, *emptied]


def golden_inputs(serialized: Sequence[bytes], config: GoalpathConfig) -> Inputs:
    """Inputs of each signature for the same Examples.

    `recommend` is told that each student used the latest engagement of the history
    once, and asks for `TOP_K`.

    Args:
      serialized: Examples with keys; labels are not read.
      config: of the data set.

    Returns:
      Signature -> input name -> array.
    """
    dense = _dense(serialized, config)
    query = {spec.key: dense[spec.key] for spec in query_features(config)}
    candidates = {spec.key: dense[spec.key] for spec in candidate_features(config)}
    examples = np.empty(len(serialized), object)
    examples[:] = list(serialized)
    listed = np.array([len(row) and row[0] != b"" for row in candidates[names.C_ID]], bool)
    first = {
        key: value[listed][:, 0] if value.shape[1] else value[listed].reshape(-1)
        for key, value in candidates.items()
    }
    return {
        names.SIGNATURE_DEFAULT: {names.EXAMPLES_INPUT: examples},
        names.SIGNATURE_PREDICT: {**query, **candidates},
        names.SIGNATURE_RECOMMEND: {**query, **_recommend_inputs(dense)},
        names.SIGNATURE_EMBED_STUDENT: query,
        names.SIGNATURE_EMBED_ENGAGEMENT: first,
        names.SIGNATURE_GOAL: query,
        names.SIGNATURE_GOAL_GIVEN: {**query, **candidates},
        names.SIGNATURE_ATTRIBUTE: {
            **query,
            **candidates,
            names.ATTRIBUTED_HEAD: np.array(names.LIKELIHOOD.encode(), object),
        },
    }


def _dense(serialized: Sequence[bytes], config: GoalpathConfig) -> dict[str, Array]:
    parsing = raw_feature_spec(config, labels=False)
    for spec in key_features():
        parsing[spec.key] = tf.io.FixedLenFeature([1], tensor_dtype(spec))
    parsed = tf.io.parse_example(list(serialized), parsing)
    dense = dense_from_raw(parsed, (*key_features(), *input_features(config)))
    return {key: value.numpy() for key, value in dense.items()}


def _recommend_inputs(dense: dict[str, Array]) -> dict[str, Array]:
    used = dense[names.HISTORY_ID][:, :1]
    once = (used != b"").astype(np.float32)
    nothing = np.zeros(0, np.float32)
    texts = np.array([], object)
    return {
        names.USED_ID: used,
        names.USED_COUNT: once,
        names.USED_COUNT_7: np.zeros_like(once),
        names.USED_COUNT_28: once,
        names.USED_MET: once,
        names.USED_DAYS_SINCE: dense[names.HISTORY_DAYS_AGO][:, :1],
        names.AUDIENCE: dense[names.AUDIENCE],
        names.SNAPSHOT_TIME: dense[names.SNAPSHOT_TIME],
        names.TOP_K_INPUT: np.array(TOP_K, np.int32),
        names.FRESH_AUDIENCE: texts,
        names.FRESH_ID: texts,
        **dict.fromkeys(names.FRESH_POPULARITY.values(), nothing),
    }
