"""Random inputs and labels of the model itself, without preprocessing, with a planted signal.

The first number of a student is the stage; one whose second is above 0 advances, one
whose third is above 0 is lost, and a candidate whose first number is above 0.5 is
responded to. Who advances comes one stage further, and who is not lost either, to the
end.
"""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schemas import names
from schemas.config import GoalpathConfig
from trainer import features
from trainer.features import Group
from trainer.model import GoalpathModel, build_model

Arrays = dict[str, npt.NDArray[np.generic]]
Batch = tuple[Arrays, Arrays]
VOCABULARY = 6


def sizes(config: GoalpathConfig) -> dict[str, int]:
    return dict.fromkeys(features.vocabularies(config), VOCABULARY)


def seeded_model(config: GoalpathConfig) -> GoalpathModel:
    keras.utils.set_random_seed(config.training.seed)
    return build_model(config, sizes(config))


def unlike_initial(config: GoalpathConfig) -> GoalpathModel:
    """The same, with values for what starts at 0: "none", empty histories and biases."""
    model = seeded_model(config)
    rng = np.random.default_rng(8)
    for weight in model.serving.weights:
        if weight.path.endswith(("bias", "vector", "no_event")):
            weight.assign(rng.normal(size=weight.shape) * 0.3)
    return model


def random_batch(
    config: GoalpathConfig, rows: int, *, seed: int, longest: int = 5, shortest: int = 0
) -> Batch:
    """NumPy inputs of all groups, and `TRAINING_LABELS`."""
    rng = np.random.default_rng(seed)
    inputs: Arrays = {}
    there = {
        group: np.arange(longest) < rng.integers(shortest, longest + 1, (rows, 1))
        for group in Group
        if group.listed
    }
    for group in Group:
        present = there.get(group, np.ones(rows, bool))
        width = features.width(config, group)
        numbers = rng.normal(size=(*present.shape, width)) * present[..., np.newaxis]
        numbers[..., 3:] *= 0.3  # what tells nothing must not drown the signal
        inputs[group.numbers] = numbers.astype(np.float32)
    stage = rng.integers(0, len(config.stages), rows)
    place = features.place_of(config, Group.QUERY, names.Q_STAGE_POSITION)
    inputs[Group.QUERY.numbers][:, place] = stage / (len(config.stages) - 1)
    for category in features.categories(config):
        present = there.get(category.group, np.ones(rows, bool))
        drawn = rng.integers(1, 1 + VOCABULARY, present.shape) * present
        inputs[category.index] = drawn.astype(np.int32)
    for text in features.texts(config):
        present = there.get(text.group, np.ones(rows, bool))
        drawn = rng.integers(0, 1 + VOCABULARY, (*present.shape, text.length))
        inputs[text.tokens] = (drawn * present[..., np.newaxis]).astype(np.int32)
    return inputs, _labels(config, inputs, there[Group.CANDIDATES])


def _labels(config: GoalpathConfig, inputs: Arrays, listed: npt.NDArray[np.bool_]) -> Arrays:
    query, candidates = inputs[Group.QUERY.numbers], inputs[Group.CANDIDATES.numbers]
    grades = ((candidates[:, :, 0] > 0.5) & listed).astype(np.float32)
    known = np.ones(len(query), np.float32)
    return {
        names.C_GRADE: grades,
        names.C_SAMPLING_PROBABILITY: listed.astype(np.float32),
        names.GIVEN_INDEX: np.where(listed.any(1), 0, -1).astype(np.int64),
        names.RANKING_WEIGHT: grades.any(1).astype(np.float32),
        names.LIKELIHOOD_LABEL: (query[:, 1] > 0).astype(np.float32),
        names.LIKELIHOOD_WEIGHT: known,
        names.RISK_LABEL: (query[:, 2] > 0).astype(np.float32),
        names.RISK_WEIGHT: known,
        names.GOAL_LABEL: _reached(config, query),
        names.GOAL_WEIGHT: np.ones((len(query), len(config.stages)), np.float32),
    }


def _reached(config: GoalpathConfig, query: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    last = len(config.stages) - 1
    place = features.place_of(config, Group.QUERY, names.Q_STAGE_POSITION)
    stage = np.rint(query[:, place] * last)
    furthest = np.where(query[:, 2] > 0, stage + 1, last)
    furthest = np.where(query[:, 1] > 0, furthest, stage)
    reached: npt.NDArray[np.generic] = np.arange(last + 1) <= furthest[:, np.newaxis]
    return reached.astype(np.float32)


def with_given(batch: Batch) -> Arrays:
    """What `GoalpathModel.training` is called with."""
    inputs, labels = batch
    return {**inputs, names.GIVEN_INDEX: labels[names.GIVEN_INDEX]}


def dataset(batch: Batch, batch_size: int) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(batch).batch(batch_size)
