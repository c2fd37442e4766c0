"""Integrated gradients: how much each feature moves a head away from a baseline.

    A_i = (x_i - b_i) * integral_0^1 df/dx_i (b + a (x - b)) da

with f a head's log-odds (or ranking score), x the numbers and embeddings that the towers
read, and b the baseline: numbers at their mean in training, flags at 0, and no
category, word or agreement. What is summed here over the columns of a feature and over
its list adds up to f(x) - f(b) (completeness). Sundararajan, Taly and Yan, "Axiomatic
Attribution for Deep Networks", ICML 2017.

The integral is a sum over `STEPS` midpoints. What the sum leaves of f(x) - f(b) is
spread over the features in proportion to |A_i|, and COMPLETENESS_ERROR says how much it
was: |rest| / sum_i |A_i|.

The lists of types and events keep their length along the path: what is attributed to
them is what they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import tensorflow as tf

from schemas import names
from schemas.config import GoalpathConfig
from trainer import features
from trainer.features import Group
from trainer.model import EMBEDDED_SUFFIX, POOLED_IDS, GoalpathModel

HEADS: Final = names.ATTRIBUTED_HEADS
"""What can be asked for; those of an engagement are of the first one listed."""
STEPS: Final = 256
"""Midpoints of the path. Towers of ReLUs have gradients that jump, so the error falls
as 1 / STEPS."""
_STEPS_AT_ONCE: Final = 16

Tensors = Mapping[str, tf.Tensor]
Score = Callable[[Tensors, Tensors], tf.Tensor]


def feature_names(config: GoalpathConfig) -> tuple[str, ...]:
    """The features that something is attributed to, in the order of the contract."""
    owners = dict.fromkeys(key for _, key in _columns(config))
    owners.update(dict.fromkeys(c.key for c in features.categories(config)))
    owners.update(dict.fromkeys(t.key for t in features.texts(config)))
    known = [spec.key for spec in features.input_features(config) if spec.key in owners]
    return (*known, *([names.AGREEMENT] if _agrees(config) else []))


def integrated_gradients(
    model: GoalpathModel, inputs: Tensors, head: tf.Tensor, config: GoalpathConfig
) -> dict[str, tf.Tensor]:
    """Attributions of one head.

    Args:
      model: trained.
      inputs: `trainer.batching.model_inputs` of all groups.
      head: string scalar, one of `HEADS`.
      config: of the data set.

    Returns:
      ATTRIBUTED_FEATURE string `[B, F]`, in each row the `feature_names`; ATTRIBUTION
      float32 `[B, F]`; ATTRIBUTED_SCORE `[B]`, f(x); ATTRIBUTION_BASELINE `[B]`, f(b);
      and COMPLETENESS_ERROR `[B]`, 0 or more. For a head of an engagement where none is
      listed, score and baseline are PAD_SCORE and all numbers else are 0.

    Raises:
      tf.errors.InvalidArgumentError: there is no such head.
    """
    of_candidates = features.input_keys(config, Group.CANDIDATES)
    first = {k: value[:, :1] if k in of_candidates else value for k, value in inputs.items()}
    inside = model.embedded(first, training=False)
    path = {**{g.numbers: first[g.numbers] for g in Group}, **inside}
    fixed = {key: first[key] for key in POOLED_IDS}
    chosen = _one_hot(head)

    def score(values: Tensors, held: Tensors) -> tf.Tensor:
        outputs = model.from_embedded({**values, **held}, training=False)
        columns = [tf.reduce_sum(outputs[key], axis=1) for key in HEADS]
        return tf.linalg.matvec(tf.stack(columns, axis=1), chosen)

    gradients = _mean_gradients(score, path, fixed)
    nothing = {key: tf.zeros_like(value) for key, value in path.items()}
    ends = {
        names.ATTRIBUTED_SCORE: score(path, fixed),
        names.ATTRIBUTION_BASELINE: score(nothing, fixed),
    }
    moved = ends[names.ATTRIBUTED_SCORE] - ends[names.ATTRIBUTION_BASELINE]
    parts, error = _complete(_by_feature(path, gradients, config), moved)
    listed = first[features.GROUP_ID[Group.CANDIDATES] + features.INDEX_SUFFIX]
    there = tf.reduce_any(listed > 0, axis=1) | ~_is_of_candidate(chosen)
    attributed = tf.stack(list(parts.values()), axis=1)
    return {
        **{key: tf.where(there, value, names.PAD_SCORE) for key, value in ends.items()},
        names.COMPLETENESS_ERROR: tf.where(there, error, 0.0),
        names.ATTRIBUTION: tf.where(there[:, tf.newaxis], attributed, 0.0),
        names.ATTRIBUTED_FEATURE: tf.tile([list(parts)], [tf.shape(attributed)[0], 1]),
    }


def _complete(parts: Tensors, moved: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Spreads over the parts what they leave of `moved`, and how much that is of them."""
    sizes = {key: tf.abs(value) for key, value in parts.items()}
    whole = tf.add_n(list(sizes.values()))
    rest = tf.math.divide_no_nan(moved - tf.add_n(list(parts.values())), whole)
    return {key: value + rest * sizes[key] for key, value in parts.items()}, tf.abs(rest)


def _mean_gradients(score: Score, path: Tensors, fixed: Tensors) -> dict[str, tf.Tensor]:
    """Mean of df/dx over the midpoints of the path, shapes as those of `path`."""
    keys = sorted(path)
    rows = tf.shape(path[keys[0]])[0]

    def add(place: tf.Tensor, *sums: tf.Tensor) -> tuple[tf.Tensor, ...]:
        steps = tf.cast(place * _STEPS_AT_ONCE + tf.range(_STEPS_AT_ONCE), tf.float32)
        share = tf.repeat((steps + 0.5) / STEPS, rows)
        at = {key: _tiled(path[key]) * _beside(share, path[key]) for key in keys}
        held = {key: _tiled(value) for key, value in fixed.items()}
        with tf.GradientTape() as tape:
            tape.watch(at)
            total = tf.reduce_sum(score(at, held))
        found = tape.gradient(total, at, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        parts = [_summed(found[key], path[key]) for key in keys]
        return (place + 1, *(each + part for each, part in zip(sums, parts, strict=True)))

    start = (tf.constant(0), *(tf.zeros_like(path[key]) for key in keys))
    shapes = (tf.TensorShape([]), *(path[key].shape for key in keys))
    _, *sums = tf.while_loop(
        lambda place, *_: place < STEPS // _STEPS_AT_ONCE,
        add,
        start,
        shape_invariants=shapes,
        parallel_iterations=1,
    )
    return {key: each / STEPS for key, each in zip(keys, sums, strict=True)}


def _tiled(value: tf.Tensor) -> tf.Tensor:
    """`[B, ...]` once for each step, `[steps * B, ...]`."""
    return tf.tile(value, [_STEPS_AT_ONCE, *(1 for _ in value.shape[1:])])


def _beside(share: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    return tf.reshape(share, [-1, *(1 for _ in value.shape[1:])])


def _summed(gradient: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    shape = tf.concat([[_STEPS_AT_ONCE], tf.shape(like)], axis=0)
    return tf.ensure_shape(tf.reduce_sum(tf.reshape(gradient, shape), axis=0), like.shape)


def _one_hot(head: tf.Tensor) -> tf.Tensor:
    chosen = tf.equal(tf.constant(HEADS), head)
    known = tf.debugging.Assert(
        tf.reduce_any(chosen),
        [f"`{names.ATTRIBUTED_HEAD}` should be one of {', '.join(HEADS)}. Received:", head],
    )
    with tf.control_dependencies([known]):
        return tf.cast(chosen, tf.float32)


def _is_of_candidate(chosen: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(chosen[-len(names.OF_ENGAGEMENT) :]) > 0


def _agrees(config: GoalpathConfig) -> bool:
    return bool(features.agreeing(config, Group.CANDIDATES))


def _columns(config: GoalpathConfig) -> Iterator[tuple[Group, str]]:
    """The feature that owns each column of the groups' numbers; a flag is its value's."""
    twins = {s.known_key: s.key for s in features.input_features(config) if s.known_key}
    for group in Group:
        for channel in features.channels(config, group):
            for _ in range(channel.size):
                yield group, twins.get(channel.key, channel.key)


def _by_feature(path: Tensors, gradients: Tensors, config: GoalpathConfig) -> dict[str, tf.Tensor]:
    parts: dict[str, list[tf.Tensor]] = {name: [] for name in feature_names(config)}
    columns: dict[Group, list[tf.Tensor]] = {}
    for group in Group:
        moved = path[group.numbers] * gradients[group.numbers]
        if group.listed:
            moved = tf.reduce_sum(moved, axis=1)
        columns[group] = tf.unstack(moved, num=features.width(config, group), axis=1)
    taken = dict.fromkeys(Group, 0)
    for group, key in _columns(config):
        parts[key].append(columns[group][taken[group]])
        taken[group] += 1
    for key, summands in parts.items():
        inside = names.AGREEMENT if key == names.AGREEMENT else key + EMBEDDED_SUFFIX
        if inside in path:
            moved = path[inside] * gradients[inside]
            summands.append(tf.reduce_sum(moved, axis=list(range(1, len(moved.shape)))))
    return {key: tf.add_n(each) for key, each in parts.items()}
