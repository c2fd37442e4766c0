"""What following the advice for a goal would have done, by the simulator's own law."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.quality_parts.progress import Progress
from benchmarks.quality_parts.read_examples import serialized_batches
from benchmarks.quality_parts.snapshots import Snapshots
from datasets.simulator.counterfactual import Counterfactual
from schemas import features, names
from schemas.config import GoalpathConfig
from schemas.goal_answers import GoalRecommendation
from schemas.goal_state import GoalState, Heads, Offer
from trainer.batching import dense_from_examples

BATCH: Final = 128
Floats = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[np.generic]]


class Advisor(Protocol):
    """What recommends; `serving.goals.advisor.GoalAdvisor`."""

    def recommend_for_goal(
        self, state: GoalState, goal: str, top_k: int
    ) -> tuple[GoalRecommendation, ...]:
        """Open engagements, best first."""


@dataclasses.dataclass(frozen=True, eq=False)
class Choices:
    """What each of `n` asked snapshots would be given next; all are types of engagements.

    Attributes:
      snapshot: which, in the order of the Examples.
      advised: first by `recommend_for_goal`.
      ranked: first by the ranking head.
      offered: every open engagement's type.
      differs: share of snapshots whose first engagement is not the ranking head's first.
    """

    snapshot: list[int]
    advised: list[str]
    ranked: list[str]
    offered: list[list[str]]
    differs: float


def choose_contacts(
    states: Iterable[tuple[int, GoalState]], advisor: Advisor, goal: str, progress: Progress
) -> Choices:
    """Asks for the goal, over all that was open to each numbered state."""
    found = Choices([], [], [], [], 0.0)
    different = 0
    for number, state in states:
        best = advisor.recommend_for_goal(state, goal, 1)
        if not best:
            continue
        first = max(state.offers, key=lambda offer: offer.ranking_score)
        found.snapshot.append(number)
        found.advised.append(best[0].engagement_type)
        found.ranked.append(first.engagement_type)
        found.offered.append([offer.engagement_type for offer in state.offers])
        different += best[0].engagement_id != first.engagement_id
        if len(found.snapshot) % 500 == 0:
            progress.say(f"{goal}: advised {len(found.snapshot):,} snapshots")
    return dataclasses.replace(found, differs=different / max(len(found.snapshot), 1))


def true_gains(choices: Choices, data: Path, snapshots: Snapshots, goal: str) -> dict[str, Floats]:
    """How much the true chance of the goal rises against no contact that day, `[n]` each.

    `random` is the mean over what was open; `best` the largest of it.
    """
    world = Counterfactual.of_folder(data)
    rows = np.array(choices.snapshot)
    gains = world.gains(_truth_rows(data, snapshots, rows), goal)
    place = {name: number for number, name in enumerate(world.contacts)}

    def of(types: Sequence[str]) -> Floats:
        found: Floats = gains[np.arange(len(rows)), [place[name] for name in types]]
        return found

    offered = [gains[row, [place[t] for t in types]] for row, types in enumerate(choices.offered)]
    return {
        "advised": of(choices.advised),
        "ranked": of(choices.ranked),
        "random": np.array([values.mean() for values in offered]),
        "best": np.array([values.max() for values in offered]),
    }


def _truth_rows(data: Path, snapshots: Snapshots, rows: npt.NDArray[np.int64]) -> pl.DataFrame:
    truth = pl.read_parquet(data / names.TRUTH_FILE)
    keys = pl.DataFrame(
        {
            names.STUDENT_ID: snapshots.texts(names.STUDENT_ID)[rows].tolist(),
            "instant": snapshots.integers(names.SNAPSHOT_TIME)[rows],
        }
    )
    truth = truth.with_columns(pl.col(names.SNAPSHOT_TIME).dt.epoch("us").alias("instant"))
    by = [names.STUDENT_ID, "instant"]
    joined = keys.join(truth, on=by, how="left", maintain_order="left")
    if joined[names.SNAPSHOT_TIME].null_count():
        raise ValueError("a snapshot is not in truth.parquet: the folder is not the run's data")
    return joined


def states_of_examples(
    model: Any,  # TensorFlow has no types: a loaded SavedModel
    files: Sequence[Path],
    config: GoalpathConfig,
    wanted: frozenset[int],
) -> Iterator[tuple[int, GoalState]]:
    """The wanted Examples by their number, with what the model says of each open engagement."""
    start = 0
    for serialized in serialized_batches(files, BATCH):
        kept = [n for n in range(len(serialized)) if start + n in wanted]
        if kept:
            chosen = [serialized[n] for n in kept]
            for place, state in enumerate(_states_of(model, chosen, config)):
                yield start + kept[place], state
        start += len(serialized)


def _states_of(
    model: Any, serialized: Sequence[bytes], config: GoalpathConfig
) -> Iterator[GoalState]:
    query = dense_from_examples(serialized, features.query_features(config), config)
    candidates = dense_from_examples(serialized, features.candidate_features(config), config)
    heads = _numpy(model.signatures[names.SIGNATURE_GOAL](**query))
    given = _numpy(model.signatures[names.SIGNATURE_GOAL_GIVEN](**query, **candidates))
    state, offered = _numpy(query), _numpy(candidates)
    for row in range(len(serialized)):
        yield GoalState(
            student_id="",
            stage=bytes(state[names.Q_STAGE][row]).decode(),
            heads=Heads(
                float(heads[names.LIKELIHOOD][row]),
                float(heads[names.RISK][row]),
                tuple(heads[names.GOAL_PROBABILITY][row].tolist()),
            ),
            embedding=tuple(heads[names.EMBEDDING][row].tolist()),
            ended=False,
            days_in_stage=float(state[names.Q_DAYS_IN_STAGE][row]),
            days_since_active=float(state[names.Q_DAYS_SINCE_ACTIVE][row]),
            events=int(state[names.Q_EVENTS[0]][row]),
            offers=_offers(row, offered, given),
        )


def _offers(row: int, offered: Arrays, given: Arrays) -> tuple[Offer, ...]:
    ids, types = offered[names.C_ID][row].tolist(), offered[names.C_TYPE][row].tolist()
    return tuple(
        Offer(
            engagement_id=ids[place].decode(),
            engagement_type=types[place].decode(),
            ranking_score=float(given[names.RANKING_SCORE][row, place]),
            given=Heads(
                float(given[names.LIKELIHOOD_GIVEN][row, place]),
                float(given[names.RISK_GIVEN][row, place]),
                tuple(given[names.GOAL_GIVEN][row, place].tolist()),
            ),
        )
        for place in range(len(ids))
        if ids[place]
    )


def _numpy(tensors: Mapping[str, Any]) -> Arrays:
    return {key: value.numpy() for key, value in tensors.items()}
