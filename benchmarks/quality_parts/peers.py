"""Trains every peer on the training split and asks it about the evaluation split."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts import collaborative, simple_rankings
from benchmarks.quality_parts.als import als
from benchmarks.quality_parts.boosted_trees import TunedTrees, fit_trees, tune_trees
from benchmarks.quality_parts.candidate_features import CandidateFeatures, candidate_features_of
from benchmarks.quality_parts.candidate_lists import CandidateLists, candidate_lists
from benchmarks.quality_parts.feature_table import FeatureTable
from benchmarks.quality_parts.figures import CONSTANT, LAMBDA_RANK, LIGHTGBM
from benchmarks.quality_parts.known_labels import LABELS, given_places, known_rows
from benchmarks.quality_parts.labelled_rows import LabelledRows
from benchmarks.quality_parts.lambda_rank import RankedRows, TunedRanker, fit_ranker, search_ranker
from benchmarks.quality_parts.logistic import logistic_regression
from benchmarks.quality_parts.peer_answers import Answers, PeerAnswers
from benchmarks.quality_parts.progress import Progress
from benchmarks.quality_parts.simple_probabilities import (
    constant,
    frequency,
    one_feature,
    stage_week_codes,
)
from benchmarks.quality_parts.snapshots import Snapshots
from benchmarks.quality_parts.student_features import student_features
from schemas import names
from schemas.config import GoalpathConfig

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

LOGISTIC: Final = "logistic regression"
STAGE_WEEK: Final = "stage by week"
SINCE_EVENT: Final = "days since event"
SINCE_ACTIVE: Final = "days since active"
POPULARITY: Final = {7: "popularity, 7 days", 28: "popularity, 28 days"}
RECENCY: Final = "own last used"
MOST_USED: Final = "own most used"
WITH_IDS: Final = f"{LAMBDA_RANK} with ids"
WITHOUT_CLOSE: Final = f"{LIGHTGBM} without days to close"
BLEND: Final = "recency and popularity"
ITEM_KNN: Final = "item-kNN"
ALS: Final = "implicit ALS"

_ROWS_AT_ONCE: Final = 200_000


@dataclasses.dataclass(frozen=True, eq=False)
class Splits:
    """The three splits of a data set."""

    train: Snapshots
    calibration: Snapshots
    evaluation: Snapshots

    @property
    def all(self) -> tuple[Snapshots, Snapshots, Snapshots]:
        """Training, calibration, evaluation."""
        return self.train, self.calibration, self.evaluation


@dataclasses.dataclass(frozen=True)
class SearchEffort:
    """How hard peers are tuned.

    Attributes:
      trials: points of each random search.
      seed: of all of them.
    """

    trials: int
    seed: int


def ask_peers(
    splits: Splits,
    config: GoalpathConfig,
    prepared: Path,
    effort: SearchEffort,
    progress: Progress,
) -> PeerAnswers:
    """Trains the peers, and asks them.

    Args:
      splits: of the data set.
      config: of the data set.
      prepared: folder of the prepared tables, whose events the collaborative peers read.
      effort: of tuning.
      progress: is told what goes on.
    """
    students = student_features(splits.train, config)
    candidates = candidate_features_of(splits.train, config, students)
    tables = tuple(students.table(snapshots) for snapshots in splits.all)
    progress.say(f"{len(tables[0].names)} hand-made features of a student")
    alone, given, notes = {}, {}, {}
    for head in LABELS:
        known = tuple(known_rows(snapshots, head) for snapshots in splits.all)
        train, calibration = (
            _labelled(splits.all[split], head, tables[split], known[split]) for split in (0, 1)
        )
        trees = tune_trees(
            train,
            calibration,
            trials=effort.trials,
            seed=effort.seed,
            progress=progress,
            label=head,
        )
        notes[f"{head}: {LIGHTGBM}"] = _describe(trees)
        regression, penalty = logistic_regression(train, calibration, tables[2])
        notes[f"{head}: {LOGISTIC}"] = f"C {penalty:g}"
        progress.say(f"{head}: logistic regression, C {penalty:g}")
        alone[head] = {
            LIGHTGBM: trees.predict(tables[2]),
            **_without_close(train, calibration, tables[2], trees, effort.seed),
            LOGISTIC: regression,
            **_simple_answers(splits, known[0], train.labels),
        }
        told = _given_answers(
            splits, head, tables=tables, candidates=candidates, trees=trees, seed=effort.seed
        )
        given[head] = {LIGHTGBM: told}
        progress.say(f"{head}: LightGBM told the engagement")
    ranking, ranking_notes = _rank(
        splits, config, candidates, prepared=prepared, effort=effort, progress=progress
    )
    return PeerAnswers(alone, given, ranking, {**notes, **ranking_notes})


def _labelled(snapshots: Snapshots, head: str, table: FeatureTable, rows: Flags) -> LabelledRows:
    return LabelledRows(table.take(rows), snapshots.numbers(LABELS[head][0])[rows])


def _without_close(
    train: LabelledRows,
    calibration: LabelledRows,
    table: FeatureTable,
    trees: TunedTrees,
    seed: int,
) -> Answers:
    """The same trees without what tells a long cohort from a short one, if there are any."""
    if not (train.features.numbers[names.Q_COHORT_KNOWN] > 0).any():
        return {}
    rows, held_out = (
        LabelledRows(each.features.without(names.Q_DAYS_TO_CLOSE), each.labels)
        for each in (train, calibration)
    )
    tuned = fit_trees(rows, held_out, trees.parameters, seed)
    return {WITHOUT_CLOSE: tuned.predict(table.without(names.Q_DAYS_TO_CLOSE))}


def _simple_answers(splits: Splits, known: Flags, labels: Floats) -> Answers:
    train, evaluation = splits.train, splits.evaluation
    train_stage, train_week = (codes[known] for codes in stage_week_codes(train))
    since = {SINCE_EVENT: names.Q_DAYS_SINCE_EVENT, SINCE_ACTIVE: names.Q_DAYS_SINCE_ACTIVE}
    return {
        STAGE_WEEK: frequency(labels, (train_stage, train_week), stage_week_codes(evaluation)),
        **{
            peer: one_feature(labels, train.numbers(key)[known], evaluation.numbers(key))
            for peer, key in since.items()
        },
        CONSTANT: constant(labels, evaluation.count),
    }


def _given_answers(
    splits: Splits,
    head: str,
    *,
    tables: tuple[FeatureTable, ...],
    candidates: CandidateFeatures,
    trees: TunedTrees,
    seed: int,
) -> Floats:
    """Probabilities of LightGBM with the features of the engagement met next: `(n,)`."""
    rows, told = [], []
    for snapshots, table in zip(splits.all, tables, strict=True):
        here = np.flatnonzero((given_places(snapshots) >= 0) & known_rows(snapshots, head))
        engagement = candidates.table(snapshots, given_places(snapshots)[here])
        told.append(table.take(here).beside(engagement))
        rows.append(here)
    labelled = [
        LabelledRows(told[split], splits.all[split].numbers(LABELS[head][0])[rows[split]])
        for split in (0, 1)
    ]
    answers = np.full(splits.evaluation.count, np.nan)
    if len(rows[2]):
        tuned = fit_trees(labelled[0], labelled[1], trees.parameters, seed)
        answers[rows[2]] = tuned.predict(told[2])
    return answers


def _rank(
    splits: Splits,
    config: GoalpathConfig,
    candidates: CandidateFeatures,
    *,
    prepared: Path,
    effort: SearchEffort,
    progress: Progress,
) -> tuple[Answers, dict[str, str]]:
    train, calibration, lists = (candidate_lists(snapshots) for snapshots in splits.all)
    rows = RankedRows(train, candidates.table(splits.train, train.places))
    held_out = RankedRows(calibration, candidates.table(splits.calibration, calibration.places))
    blind = (rows.without(names.C_ID), held_out.without(names.C_ID))
    found = search_ranker(*blind, trials=effort.trials, seed=effort.seed, progress=progress)
    ranker = fit_ranker(blind[0], blind[1], found.parameters, effort.seed)
    progress.say(f"ranking: on all lists, NDCG {ranker.ndcg:.4f}")
    with_ids = fit_ranker(rows, held_out, found.parameters, effort.seed)
    progress.say(f"ranking: on all lists with ids, NDCG {with_ids.ndcg:.4f}")
    numbers = simple_rankings.choose_blend(splits.calibration, calibration)
    progress.say(f"ranking: blend {dict(numbers)}")
    evaluation = splits.evaluation
    answers = {
        **_ranker_answers(ranker, with_ids, evaluation, candidates, lists.places),
        BLEND: simple_rankings.blend(evaluation, lists.places, **numbers),
        **{
            peer: simple_rankings.popularity(evaluation, lists.places, days)
            for days, peer in POPULARITY.items()
        },
        RECENCY: simple_rankings.recency(evaluation, lists.places),
        MOST_USED: simple_rankings.most_used(evaluation, lists.places),
        **_collaborative_answers(evaluation, lists, config, prepared, progress),
    }
    return answers, {
        LAMBDA_RANK: _describe(ranker),
        BLEND: ", ".join(f"{key} {value:g}" for key, value in numbers.items()),
    }


def _ranker_answers(
    blind: TunedRanker,
    with_ids: TunedRanker,
    snapshots: Snapshots,
    candidates: CandidateFeatures,
    places: Places,
) -> Answers:
    parts: dict[str, list[Floats]] = {LAMBDA_RANK: [], WITH_IDS: []}
    for start in range(0, len(places), _ROWS_AT_ONCE):
        table = candidates.table(snapshots, places[start : start + _ROWS_AT_ONCE])
        parts[LAMBDA_RANK].append(blind.predict(table.without(names.C_ID)))
        parts[WITH_IDS].append(with_ids.predict(table))
    return {peer: np.concatenate([np.zeros(0), *each]) for peer, each in parts.items()}


def _collaborative_answers(
    snapshots: Snapshots,
    lists: CandidateLists,
    config: GoalpathConfig,
    prepared: Path,
    progress: Progress,
) -> Answers:
    interactions = collaborative.read_interactions(prepared, config)
    scorers = {ITEM_KNN: collaborative.item_knn, ALS: als}
    return {
        peer: collaborative.score_lists(
            snapshots, lists, interactions, scorer, progress=progress, label=peer
        )
        for peer, scorer in scorers.items()
    }


def _describe(tuned: TunedTrees | TunedRanker) -> str:
    drawn = {
        key: round(value, 4) if isinstance(value, float) else value
        for key, value in tuned.parameters.items()
    }
    return f"{json.dumps(drawn)}, {tuned.booster.best_iteration} rounds"
