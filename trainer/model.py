"""The functional model: inputs, towers, heads, and the parts that are used alone.

Everything is one flat functional graph, and the parts are models over the same
layers. A functional graph is what Keras restores without guessing: a subclassed
model whose layers are not built when it is saved loads with wrong weights.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Final

import keras

from schemas import names
from schemas.config import GoalpathConfig
from trainer import features
from trainer.embeddings import EmbeddingTables
from trainer.features import Group
from trainer.goal_steps import GoalStepsHead, ReachGoals, StepsAhead
from trainer.heads import InteractionHead, MaskPadding, NoEngagement, TakeGiven
from trainer.towers.agreement import Agreement
from trainer.towers.candidate import EngagementTower
from trainer.towers.query import StudentTower

LOGIT_SUFFIX: Final = "_logits"
EMBEDDED_SUFFIX: Final = "_embedded"
RANKING_HEAD: Final = "ranking_head"
STUDENT_GROUPS: Final = (Group.QUERY, Group.TYPES, Group.HISTORY)
ENGAGEMENT_GROUPS: Final = (Group.CANDIDATES,)
POOLED_IDS: Final = tuple(
    features.GROUP_ID[group] + features.INDEX_SUFFIX for group in (Group.TYPES, Group.HISTORY)
)
"""What says where the lists end that the student's tower sums up."""
_GIVEN = {names.LIKELIHOOD: names.LIKELIHOOD_GIVEN, names.RISK: names.RISK_GIVEN}

Tensors = dict[str, keras.KerasTensor]


@dataclasses.dataclass(frozen=True, eq=False)
class GoalpathModel:
    """The model and its parts, all over the same weights.

    Attributes:
      serving: all inputs -> RANKING_SCORE `[B, N]`, LIKELIHOOD and RISK `[B]`,
        LIKELIHOOD_GIVEN and RISK_GIVEN `[B, N]`, padding marked by the sentinels of
        `schemas.names`, GOAL_PROBABILITY `[B, K]` for the `K` stages. This is what is
        saved as a `.keras` file.
      training: all inputs and GIVEN_INDEX -> RANKING_SCORE `[B, N]` without
        sentinels, log-odds `likelihood_logits`, `risk_logits` `[B, 2]`: with no
        engagement, and with the one that was met next; and likewise of the steps from
        stage to stage, `goal_probability_logits` `[B, 2, K - 1]`.
      student: query inputs -> `[B, D]`.
      engagement: candidate inputs -> `[B, N, D]`.
      ranking: all inputs -> RANKING_SCORE `[B, N]` without sentinels, and nothing else.
      goals: all inputs -> GOAL_PROBABILITY `[B, K]`, GOAL_GIVEN `[B, N, K]`.
      embedded: all inputs -> `<key>_embedded` of each category and text, float32
        `[..., width]`, and AGREEMENT, where categories are compared.
      from_embedded: these and the numbers and the ids of the lists -> the ranking score
        and, by their names, the log-odds of LIKELIHOOD and RISK `[B, 1]`,
        LIKELIHOOD_GIVEN and RISK_GIVEN `[B, N]`. The rest of the graph: a gradient goes
        no further back.
    """

    serving: keras.Model
    training: keras.Model
    student: keras.Model
    engagement: keras.Model
    ranking: keras.Model
    goals: keras.Model
    embedded: keras.Model
    from_embedded: keras.Model


def model_inputs(config: GoalpathConfig, groups: Iterable[Group]) -> Tensors:
    """Symbolic inputs of some groups, by the names of `trainer.batching.model_inputs`."""
    groups = tuple(groups)
    inputs: Tensors = {}
    for group in groups:
        shape = (*_list_dimension(group), features.width(config, group))
        inputs[group.numbers] = keras.Input(shape, name=group.numbers)
    for category in features.categories(config):
        if category.group in groups:
            shape = _list_dimension(category.group)
            inputs[category.index] = keras.Input(shape, dtype="int32", name=category.index)
    for text in features.texts(config):
        if text.group in groups:
            shape = (*_list_dimension(text.group), text.length)
            inputs[text.tokens] = keras.Input(shape, dtype="int32", name=text.tokens)
    return inputs


def _list_dimension(group: Group) -> tuple[int | None, ...]:
    return (None,) if group.listed else ()


class _Layers:
    """The towers and heads; called twice they are the same layers over other tensors."""

    def __init__(self, config: GoalpathConfig, agreements: int) -> None:
        self._student, self._engagement = StudentTower(config), EngagementTower(config)
        self.ranking = _head(config, RANKING_HEAD, 0, agreements)
        self.heads = {
            output: _head(config, f"{output}_head", number, agreements)
            for number, output in enumerate(_GIVEN, start=1)
        }
        width = config.training.embedding_dim
        self._none = {output: NoEngagement(width, name=f"{output}_none") for output in self.heads}

    def towers(self, inputs: Tensors, embedded: Tensors) -> list[keras.KerasTensor]:
        """The embeddings of student and engagements."""
        return [self._student(inputs, embedded), self._engagement(inputs, embedded)]

    def log_odds(self, engaged: list[keras.KerasTensor]) -> Tensors:
        """The ranking score and the log-odds, by the outputs of `from_embedded`."""
        found: Tensors = {names.RANKING_SCORE: self.ranking(engaged)}
        for output, head in self.heads.items():
            found[output] = head([engaged[0], self._none[output](engaged[0])])
            found[_GIVEN[output]] = head(engaged)
        return found


def build_model(config: GoalpathConfig, vocabulary_sizes: Mapping[str, int]) -> GoalpathModel:
    """Builds the model; initial weights follow Keras' global seed.

    Args:
      config: of the data set.
      vocabulary_sizes: entries of each vocabulary of `trainer.features.vocabularies`.
    """
    tables = EmbeddingTables(config, vocabulary_sizes)
    query, candidate = (model_inputs(config, g) for g in (STUDENT_GROUPS, ENGAGEMENT_GROUPS))
    inputs = {**query, **candidate}
    embedded = tables.all(inputs)
    agreement = _agreement(config, tables, query, candidate)
    layers = _Layers(config, sum(each.shape[-1] for each in agreement))
    student, engagements = layers.towers(inputs, embedded)
    engaged = [student, engagements, *agreement]
    place = keras.Input((), dtype="int64", name=names.GIVEN_INDEX)
    given = [
        TakeGiven(name=f"take_given_{number}")([each, place])
        for number, each in enumerate(engaged[1:])
    ]
    index = candidate[names.C_ID + features.INDEX_SUFFIX]
    log_odds = layers.log_odds(engaged)
    reached, steps, goals = _goals(config, query, engaged, given, index)
    served = {**_probabilities(log_odds, index), names.GOAL_PROBABILITY: reached}
    trained: Tensors = {names.RANKING_SCORE: log_odds[names.RANKING_SCORE]}
    for output, head in layers.heads.items():
        pair = keras.layers.Concatenate(axis=1, name=f"{output}_pair")
        trained[output + LOGIT_SUFFIX] = pair([log_odds[output], head([student, *given])])
    trained[names.GOAL_PROBABILITY + LOGIT_SUFFIX] = steps
    inside = {
        **{key + EMBEDDED_SUFFIX: value for key, value in embedded.items()},
        **dict(zip((names.AGREEMENT,), agreement, strict=False)),
    }
    return GoalpathModel(
        serving=keras.Model(inputs, served, name="goalpath"),
        training=keras.Model({**inputs, names.GIVEN_INDEX: place}, trained, name="training"),
        student=keras.Model(query, student, name="student"),
        engagement=keras.Model(candidate, engagements, name="engagement"),
        ranking=keras.Model(inputs, log_odds[names.RANKING_SCORE], name="ranking"),
        goals=keras.Model(inputs, goals, name="goals"),
        embedded=keras.Model(inputs, inside, name="embedded"),
        from_embedded=_from_embedded(config, layers, inside),
    )


def _probabilities(log_odds: Tensors, index: keras.KerasTensor) -> Tensors:
    """The served outputs of three heads, padding marked."""
    score = log_odds[names.RANKING_SCORE]
    served: Tensors = {names.RANKING_SCORE: _padded(score, index, names.PAD_SCORE, "ranking")}
    for output, given in _GIVEN.items():
        sigmoid = keras.layers.Activation("sigmoid", name=f"{output}_none_probability")
        alone = sigmoid(log_odds[output])
        served[output] = keras.layers.Reshape((), name=output)(alone)
        each = keras.layers.Activation("sigmoid", name=f"{given}_probability")(log_odds[given])
        served[given] = _padded(each, index, names.PAD_PROBABILITY, given)
    return served


def _from_embedded(config: GoalpathConfig, layers: _Layers, inside: Tensors) -> keras.Model:
    """The same layers behind inputs of its own.

    A model that began at tensors inside another would take these out of the other's
    graph, which could then not be saved.
    """
    read = {*POOLED_IDS, *(group.numbers for group in Group)}
    inputs = {key: value for key, value in model_inputs(config, Group).items() if key in read}
    values = {key: keras.Input(value.shape[1:], name=key) for key, value in inside.items()}
    embedded = {key.removesuffix(EMBEDDED_SUFFIX): value for key, value in values.items()}
    agreement = [values[names.AGREEMENT]] if names.AGREEMENT in values else []
    log_odds = layers.log_odds([*layers.towers(inputs, embedded), *agreement])
    return keras.Model({**inputs, **values}, log_odds, name="from_embedded")


def _agreement(
    config: GoalpathConfig, tables: EmbeddingTables, query: Tensors, candidate: Tensors
) -> list[keras.KerasTensor]:
    """Where student and engagement agree, `[B, N, P * A]`; [] where nothing is compared."""
    offered = features.agreeing(config, Group.CANDIDATES)
    if not offered:
        return []
    own = [_column(query[category.index]) for category in features.agreeing(config, Group.QUERY)]
    each = [_column(candidate[category.index]) for category in offered]
    layer = Agreement(tables.unknown(features.VALUE_VOCABULARY), name="agreement")
    return [layer([_joined(own), _joined(each)])]


def _column(index: keras.KerasTensor) -> keras.KerasTensor:
    return keras.ops.expand_dims(index, -1)


def _joined(columns: list[keras.KerasTensor]) -> keras.KerasTensor:
    return keras.ops.concatenate(columns, axis=-1)


def _head(config: GoalpathConfig, name: str, number: int, agreements: int) -> InteractionHead:
    training = config.training
    seed = training.seed + 100 * (number + 1)
    return InteractionHead(training.head_units, training.dropout, seed, agreements, name=name)


def _goals(
    config: GoalpathConfig,
    query: Tensors,
    engaged: list[keras.KerasTensor],
    given: list[keras.KerasTensor],
    index: keras.KerasTensor,
) -> tuple[keras.KerasTensor, keras.KerasTensor, Tensors]:
    """The goal head with no engagement, with the one met next, and with each.

    Returns:
      Probabilities `[B, K]`, log-odds for the loss `[B, 2, K - 1]`, and the outputs of
      `GoalpathModel.goals`.
    """
    training = config.training
    place = features.place_of(config, Group.QUERY, names.Q_STAGE_POSITION)
    position = query[Group.QUERY.numbers][:, place]
    head = GoalStepsHead(
        len(config.stages) - 1,
        training.head_units[0],
        training.dropout,
        training.seed + 400,
        sum(each.shape[-1] for each in engaged[2:]),
        name="goal_head",
    )
    ahead, reach = StepsAhead(name="goal_steps_ahead"), ReachGoals(name="reach_goals")
    student = engaged[0]
    none = NoEngagement(training.embedding_dim, name="goal_none")(student)
    without = ahead([head([student, none]), position])
    with_met = ahead([head([student, *given]), position])
    reached = keras.layers.Reshape((len(config.stages),), name="goal")(reach(without))
    with_each = _padded(
        reach(ahead([head(engaged), position])), index, names.PAD_PROBABILITY, "goal"
    )
    steps = keras.layers.Concatenate(axis=1, name="goal_pair")([without, with_met])
    return reached, steps, {names.GOAL_PROBABILITY: reached, names.GOAL_GIVEN: with_each}


def _padded(
    values: keras.KerasTensor, index: keras.KerasTensor, sentinel: float, name: str
) -> keras.KerasTensor:
    return MaskPadding(sentinel, name=f"{name}_padding")([values, index])
