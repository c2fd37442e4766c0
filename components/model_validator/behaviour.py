"""What the signatures say, against each other, the `.keras` file and common sense."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from components.model_validator import (
    attribution,
    goals,
    heads,
    outputs,
    probes,
    recommendations,
)
from components.model_validator.golden import Golden, dense_inputs, listed
from components.model_validator.keras_file import ENGAGEMENT, STUDENT, KerasFile
from components.model_validator.loaded_model import LoadedModel
from components.model_validator.outputs import Comparison
from components.model_validator.recommendations import ListScorer
from components.model_validator.report import CheckResult, together
from schemas import names
from schemas.config import GoalpathConfig
from schemas.goal_parameters import GoalParameters
from serving.goals.synthesis import Synthesis
from trainer.golden import MODEL_INPUTS

Array = npt.NDArray[np.generic]
Tensors = dict[str, Array]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

ALONE: Final = names.OF_STUDENT
GIVEN: Final = (names.LIKELIHOOD_GIVEN, names.RISK_GIVEN)
LISTED: Final = names.OF_ENGAGEMENT
_SENTINELS: Final = {
    names.RANKING_SCORE: names.PAD_SCORE,
    **dict.fromkeys(GIVEN, names.PAD_PROBABILITY),
}
_ROWS_ALONE: Final = 6
_STUDENTS_TO_LIST: Final = 8
_TOP_K: Final = 10
_EXPORT_AGAIN: Final = "the signatures do not share one model; export them from the same object."


class Behaviour:
    """Checks that call the signatures; what several of them need is computed once.

    Args:
      model: the loaded SavedModel.
      golden: of the export.
      config: of the data set.
      as_of: ISO 8601; what the catalogue is of.
      catalogue: `catalogue.parquet` of the bundle.
      goal_parameters: `goal_parameters.json` of the bundle.
      keras_file: loads the `.keras` file.
    """

    def __init__(
        self,
        model: LoadedModel,
        golden: Golden,
        config: GoalpathConfig,
        *,
        as_of: str,
        catalogue: Path,
        goal_parameters: Path,
        keras_file: Callable[[], KerasFile],
    ) -> None:
        self._model = model
        self._golden = golden
        self._config = config
        self._as_of = _microseconds(as_of)
        self._catalogue = catalogue
        self._goal_parameters = goal_parameters
        self._keras_file = keras_file

    @functools.cached_property
    def _rows(self) -> Tensors:
        """The golden Examples as inputs of `predict`, parsed independently of the graph."""
        golden = self._golden.inputs[names.SIGNATURE_DEFAULT][names.EXAMPLES_INPUT]
        return dense_inputs([bytes(row) for row in golden.tolist()], self._config)

    @functools.cached_property
    def _answers(self) -> Tensors:
        return self._predict(self._rows)

    @functools.cached_property
    def _mixed(self) -> Tensors:
        return probes.mixed(self._rows, self._config)

    @functools.cached_property
    def _mixed_answers(self) -> Tensors:
        return self._predict(self._mixed)

    @functools.cached_property
    def _keras_outputs(self) -> Tensors:
        return self._keras_file().outputs(self._golden.inputs[MODEL_INPUTS])

    def _predict(self, rows: Tensors) -> Tensors:
        return self._model.call(names.SIGNATURE_PREDICT, rows)

    def check_keras_outputs(self, name: str) -> CheckResult:
        """The `.keras` file gives the same scores for the same rows."""
        scores = {
            key: self._keras_outputs[key] for key in (*ALONE, *LISTED, names.GOAL_PROBABILITY)
        }
        return outputs.check_agreement(
            name,
            Comparison(scores, self._answers, f"{names.KERAS_FILE} and predict"),
            remedy="save the `.keras` file and the SavedModel from the same trained object.",
        )

    def check_agreement(self, name: str) -> CheckResult:
        """`serving_default` and `predict` give the same scores for the same rows."""
        examples = self._golden.inputs[names.SIGNATURE_DEFAULT]
        serialized = self._model.call(names.SIGNATURE_DEFAULT, examples)
        pair = Comparison(serialized, self._answers, "serving_default and predict")
        return outputs.check_agreement(name, pair, remedy=_EXPORT_AGAIN)

    def check_embeddings(self, name: str) -> CheckResult:
        """The embeddings are those that the heads read, in a batch and alone."""
        students = self._embeddings(names.SIGNATURE_EMBED_STUDENT)
        engagements = self._embeddings(names.SIGNATURE_EMBED_ENGAGEMENT)
        in_use = self._keras_outputs[STUDENT]
        first = self._keras_outputs[ENGAGEMENT][self._listed[:, :1].any(axis=1), :1]
        alone = (
            self._embeddings(names.SIGNATURE_EMBED_STUDENT, slice(1)),
            self._embeddings(names.SIGNATURE_EMBED_ENGAGEMENT, slice(1)),
        )
        return outputs.check_agreement(
            name,
            Comparison(
                {STUDENT: in_use, ENGAGEMENT: first[:, 0]},
                {STUDENT: students, ENGAGEMENT: engagements},
                f"the towers in {names.KERAS_FILE} and the embed signatures",
            ),
            Comparison(
                {STUDENT: students[:1], ENGAGEMENT: engagements[:1]},
                dict(zip((STUDENT, ENGAGEMENT), alone, strict=True)),
                "a batch and one row",
            ),
            remedy=_EXPORT_AGAIN,
        )

    def check_attribution(self, name: str) -> CheckResult:
        """`attribute` explains what `predict` says, and its parts add up to it."""
        answers = {head: self._attributed(head) for head in names.ATTRIBUTED_HEADS}
        return attribution.check_attribution(name, answers, self._answers, self._listed)

    def _attributed(self, head: str) -> Tensors:
        asked = {**self._rows, names.ATTRIBUTED_HEAD: np.array(head.encode(), object)}
        return self._model.call(names.SIGNATURE_ATTRIBUTE, asked)

    def _embeddings(self, signature: str, places: slice = slice(None)) -> Array:
        inputs = probes.take(self._golden.inputs[signature], places)
        return self._model.call(signature, inputs)[names.EMBEDDING]

    @functools.cached_property
    def _listed(self) -> Mask:
        return _places(self._rows)

    def check_alone(self, name: str) -> CheckResult:
        """A row does not depend on its batch, nor a candidate on its list."""
        expected, alone = {}, {}
        for row in range(min(_ROWS_ALONE, len(self._listed))):
            there = self._listed[row]
            single = probes.without_padding(probes.take(self._rows, slice(row, row + 1)))
            answer = self._predict(single)
            for key in (*ALONE, *LISTED):
                of_batch = self._answers[key][row : row + 1]
                expected[f"{key} of row {row}"] = of_batch[:, there] if key in LISTED else of_batch
                alone[f"{key} of row {row}"] = answer[key]
        return outputs.check_agreement(
            name,
            Comparison(expected, alone, "a batch and a row alone"),
            self._one_candidate_each(),
            remedy="nothing may be computed across rows or candidates when the model serves.",
        )

    def _one_candidate_each(self) -> Comparison:
        """The longest list against each of its candidates in a list of its own."""
        row = int(np.argmax(self._listed.sum(axis=1)))
        there = np.flatnonzero(self._listed[row])
        candidates = probes.sides(self._config)[1].keys
        rows = {
            key: column[row, there][:, np.newaxis]
            if key in candidates
            else np.repeat(column[row : row + 1], len(there), axis=0)
            for key, column in self._rows.items()
        }
        expected = {key: self._answers[key][row, there][:, np.newaxis] for key in LISTED}
        expected |= {key: np.repeat(self._answers[key][row], len(there)) for key in ALONE}
        return Comparison(expected, self._predict(rows), "a list and its candidates one by one")

    def check_values(self, name: str) -> CheckResult:
        """Every value is finite, every probability in [0, 1], and padding is marked."""
        strange = probes.strange(self._rows, self._config)
        return together(
            name,
            [
                _values(name, "golden rows", self._rows, self._answers),
                _values(name, "mixed rows", self._mixed, self._mixed_answers),
                _values(name, "rows never seen", strange, self._predict(strange)),
            ],
        )

    def check_not_constant(self, name: str) -> CheckResult:
        """Every head tells students and candidates apart."""
        return heads.check_not_constant(name, self._told_apart())

    def _told_apart(self) -> dict[str, Floats]:
        """Values of every head for rows that all differ in what the head reads."""
        students = probes.first_of_each(self._mixed, probes.sides(self._config)[0].keys)
        found = _of_heads(self._mixed_answers, self._mixed)
        return {key: found[key][students] if key in ALONE else found[key] for key in found}

    def check_sensitive(self, name: str) -> CheckResult:
        """Every head reads everything that it is for, and nothing else."""
        sides = {side.name: self._shares(side) for side in probes.sides(self._config)}
        groups = {group.name: self._shares(group) for group in probes.input_groups(self._config)}
        foreign = [
            f"{head} changes with the candidates, though none is given to it"
            for head in ALONE
            if sides[probes.CANDIDATES][head]
        ]
        if foreign:
            return CheckResult(name, False, "; ".join(foreign), {}, _EXPORT_AGAIN)
        of_candidates = {g.name for g in probes.input_groups(self._config) if g.of_candidates}
        return heads.check_sensitive(
            name,
            {side: _of_side(s, side == probes.CANDIDATES) for side, s in sides.items()},
            {group: _of_side(s, group in of_candidates) for group, s in groups.items()},
        )

    def _shares(self, group: probes.InputGroup) -> dict[str, float | None]:
        there = _places(self._mixed)
        moved = probes.exchanged(self._mixed, group, there)
        before, after = self._mixed_answers, self._predict(moved)
        differs = probes.differing(self._mixed, moved, group)
        rows = differs if differs.ndim == 1 else np.asarray(differs.any(axis=1))
        places = there & (differs[:, np.newaxis] if differs.ndim == 1 else differs)
        judged = {**dict.fromkeys(ALONE, rows), **dict.fromkeys(LISTED, places)}
        return {
            head: heads.changed_share(_floats(before[head]), _floats(after[head]), where)
            for head, where in judged.items()
        }

    def check_independent(self, name: str) -> CheckResult:
        """No head is a monotone function of another."""
        scores = self._told_apart()
        lists = {key: _floats(self._mixed_answers[key]) for key in LISTED}
        return together(
            name,
            [
                heads.check_own_order(name, {key: scores[key] for key in ALONE}),
                heads.check_own_order(name, {key: scores[key] for key in LISTED}),
                heads.check_own_list_order(name, names.RANKING_SCORE, lists, _places(self._mixed)),
            ],
        )

    def check_goals(self, name: str) -> CheckResult:
        """`goal` gives what its parameters say of `predict`'s outputs, in NumPy."""
        text = self._goal_parameters.read_text(encoding="utf-8")
        keys = probes.sides(self._config)[0].keys
        query = {key: column for key, column in self._mixed.items() if key in keys}
        found = self._model.call(names.SIGNATURE_GOAL, query)
        synthesis = Synthesis(GoalParameters.model_validate_json(text))
        embedded = self._model.call(names.SIGNATURE_EMBED_STUDENT, query)
        heads = {**self._mixed_answers, **embedded}
        return goals.check_goals(name, synthesis, query, heads, found)

    def check_recommend(self, name: str) -> CheckResult:
        """Lists are the best of `predict`'s scores: then, now, and with fresh popularity."""
        scorer = ListScorer(self._catalogue, self._as_of, self._config, self._predict)
        golden = self._golden.inputs[names.SIGNATURE_RECOMMEND]
        then = recommendations.states_of(golden, range(_STUDENTS_TO_LIST))
        now = recommendations.in_every_audience(golden, scorer.audiences(), t=self._as_of)
        expected_now = scorer.every_score(now)
        fresh = recommendations.fresh_popularity(now, scorer.audience(now, 0), expected_now[0])
        whole = max([_TOP_K, *(len(scores) + 1 for scores in expected_now)])
        found, expected = [], []
        for states, k in ((then, _TOP_K), (now, whole), (fresh, _TOP_K)):
            answer = self._model.call(
                names.SIGNATURE_RECOMMEND, {**states, names.TOP_K_INPUT: np.array(k, np.int32)}
            )
            lists = recommendations.lists_of(answer)
            if any(len(one.ids) != k for one in lists):
                detail = f"k = {k} gives lists of {len(lists[0].ids)}"
                return CheckResult(name, False, detail, {}, _EXPORT_AGAIN)
            found += lists
            expected += scorer.every_score(states)
        return recommendations.check_lists(name, found, expected)


def _of_side(shares: Mapping[str, float | None], candidates: bool) -> dict[str, float | None]:
    """Without the heads to which no candidate is given, where `candidates` changed."""
    return {head: share for head, share in shares.items() if not (candidates and head in ALONE)}


def _places(rows: Mapping[str, Array]) -> Mask:
    return np.asarray(rows[names.C_ID] != b"", np.bool_)


def _values(name: str, sample: str, rows: Tensors, answers: Tensors) -> CheckResult:
    probabilities = _of_heads(answers, rows)
    scores = {names.RANKING_SCORE: probabilities.pop(names.RANKING_SCORE)}
    found = together(
        name,
        [
            heads.check_range(name, probabilities, probabilities=True),
            heads.check_range(name, scores, probabilities=False),
            outputs.check_padding(name, answers, _places(rows), _SENTINELS),
        ],
    )
    return dataclasses.replace(
        found, detail=f"{sample}: {found.detail}", values={sample: found.values}
    )


def _of_heads(answers: Mapping[str, Array], rows: Mapping[str, Array]) -> dict[str, Floats]:
    """Head -> its values without padding."""
    found = {key: answers[key][listed(answers[key], rows[names.C_ID])] for key in LISTED}
    return {key: _floats(value) for key, value in found.items()} | {
        key: _floats(answers[key]) for key in ALONE
    }


def _floats(values: Array) -> Floats:
    return np.asarray(values, np.float64)


def _microseconds(text: str) -> int:
    """Microseconds since the epoch of an ISO 8601 text with an offset."""
    since = dt.datetime.fromisoformat(text) - dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
    return since // dt.timedelta(microseconds=1)
