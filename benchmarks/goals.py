"""Measures the goal likelihoods of a finished run against their peers.

    make quality-setup
    OMP_WAIT_POLICY=passive PYTHONPATH=.benchmark .venv/bin/python -m benchmarks.goals \
        --out OUT [--trials 6] [--advised 2000]

On the evaluation split, over every pair of a snapshot and a goal ahead whose outcome is
known: Brier score, AUC, calibration error, and how many intervals hold the share of
25 students alike. Peers: the earlier system's distance penalty and its later formula,
both given our own likelihood head; the frequency of the stage pair; LightGBM with the goal
as a feature. Where the data folder is a simulated one, also what following the advice for a
goal does to the true chance of reaching it. Prints Markdown.
"""

from __future__ import annotations

import dataclasses
import tempfile
import timeit
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import tensorflow as tf

from benchmarks.goal_parts import goal_advice, goal_peers
from benchmarks.goal_parts.goal_figures import Coverage, coverage, measure, violations
from benchmarks.goal_parts.goal_snapshots import GoalPairs, goal_pairs
from benchmarks.goal_parts.pushed_goals import GoalAnswers, ask_goals
from benchmarks.quality_parts.bootstrap import StudentBootstrap, weighted_mean
from benchmarks.quality_parts.finished_run import FinishedRun, find_run
from benchmarks.quality_parts.labelled_rows import LabelledRows
from benchmarks.quality_parts.progress import Progress
from benchmarks.quality_parts.read_examples import read_snapshots
from benchmarks.quality_parts.snapshots import Snapshots
from benchmarks.quality_parts.student_features import student_features
from datasets.simulator.planted import PLANTED_FILE
from pipeline.commands.score import write_scores
from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import GoalpathError
from schemas.goal_state import GoalState, Heads
from serving.bulk_scores import bulk_scores
from serving.goal_states import read_advisor, read_goal_parameters
from serving.goals.advisor import GoalAdvisor
from serving.pushed_model import PushedModel
from serving.versions import newest_version

FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
OURS: Final = "goalpath"
RESAMPLES: Final = 500
SEED: Final = 7

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class _Asked:
    """A run, and what its model says of the evaluation split."""

    run: FinishedRun
    model: Any  # TensorFlow has no types: a loaded SavedModel
    snapshots: Snapshots
    pairs: GoalPairs
    answers: GoalAnswers
    progress: Progress


@click.command()
@click.option("--out", type=FOLDER, required=True, help="Of a finished goalpath run.")
@click.option("--trials", default=6, show_default=True, help="LightGBM settings to try.")
@click.option("--advised", default=2000, show_default=True, help="Snapshots to advise.")
@click.option("--bulk", default=100_000, show_default=True, help="Students to score in bulk.")
def main(*, out: Path, trials: int, advised: int, bulk: int) -> None:
    """Measure the goal likelihoods of the last run in OUT."""
    try:
        run = find_run(out)
        print(f"## {run.config.name}\n")
        progress = Progress()
        for line in [*_report(run, trials, advised, progress), *_bulk(out, run, bulk, progress)]:
            print(line)
    except GoalpathError as error:
        raise click.ClickException(error.describe()) from error


def _report(run: FinishedRun, trials: int, advised: int, progress: Progress) -> list[str]:
    config, files = run.config, run.split_files(names.EVAL)
    snapshots = read_snapshots(files, config)
    pairs = goal_pairs(snapshots, config)
    progress.say(f"{snapshots.count:,} snapshots, {len(pairs.goal):,} pairs with goals")
    model = tf.saved_model.load(str(run.saved_model))
    answers = ask_goals(model, files, config, progress)
    asked = _Asked(run, model, snapshots, pairs, answers, progress)
    train = read_snapshots(run.split_files(names.TRAIN), config)
    predicted = {
        OURS: pairs.pick(answers.likelihood),
        **_simple(answers, goal_pairs(train, config), pairs, config),
        "LightGBM with the goal": _trees(asked, train, trials),
    }
    advisor = read_advisor(run.saved_model)
    lines = [*_table(predicted, pairs, config), *_intervals(run, answers, pairs, config)]
    lines += [
        "",
        f"Snapshots with a farther goal that is likelier: {violations(answers.likelihood)} of "
        f"{snapshots.count:,}.",
        *_options(run),
    ]
    if (run.data / PLANTED_FILE).is_file():
        for goal in _goals_advised(config):
            lines += _advice(asked, advisor, goal, advised)
    return [*lines, *_speed(advisor, config)]


def _simple(
    answers: GoalAnswers, train: GoalPairs, pairs: GoalPairs, config: GoalpathConfig
) -> dict[str, Floats]:
    return {
        "distance penalty": goal_peers.distance_penalty(answers.next_step, pairs),
        "later formula": goal_peers.later_formula(answers.next_step, pairs, config.stages),
        "stage-pair frequency": goal_peers.pair_frequency(train, pairs),
    }


def _trees(asked: _Asked, train: Snapshots, trials: int) -> Floats:
    from benchmarks.quality_parts.boosted_trees import tune_trees

    config = asked.run.config
    held_out = read_snapshots(asked.run.split_files(names.CALIBRATION), config)
    make, goals = student_features(train, config), len(config.stages)

    def rows(split: Snapshots, of: GoalPairs) -> LabelledRows:
        return goal_peers.with_goal(make.table(split), of, goals)

    tuned = tune_trees(
        rows(train, goal_pairs(train, config)),
        rows(held_out, goal_pairs(held_out, config)),
        trials=trials,
        seed=SEED,
        progress=asked.progress,
        label="goals",
    )
    return tuned.predict(rows(asked.snapshots, asked.pairs).features)


def _table(predicted: Mapping[str, Floats], pairs: GoalPairs, config: GoalpathConfig) -> list[str]:
    lines = [
        "| goal | predicted by | pairs | reached | Brier | AUC | ECE |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    groups = {"all": np.ones(len(pairs.goal), bool)}
    groups |= {name: pairs.goal == place for place, name in enumerate(config.stages)}
    for goal, rows in groups.items():
        for who, values in predicted.items():
            if rows.any():
                found = measure(pairs.reached[rows], values[rows])
                lines.append(
                    f"| {goal} | {who} | {found.pairs:,} | {found.reached:.3f} | "
                    f"{found.brier:.4f} | {found.auc:.4f} | {found.ece:.4f} |"
                )
    return lines


def _intervals(
    run: FinishedRun, answers: GoalAnswers, pairs: GoalPairs, config: GoalpathConfig
) -> list[str]:
    parameters = read_goal_parameters(run.saved_model)
    likelihood = pairs.pick(answers.likelihood)
    ends = (pairs.pick(answers.lower), pairs.pick(answers.upper))
    found: dict[str, Coverage] = {}
    for place, name in enumerate(config.stages):
        rows = pairs.goal == place
        if rows.any():
            found[name] = coverage(pairs, rows, likelihood, ends, parameters.group_size)
    groups = sum(each.groups for each in found.values())
    covered = sum(each.covered * each.groups for each in found.values() if each.groups)
    return [
        "",
        f"Intervals of {parameters.level:.0%}, of the share that reaches among "
        f"{parameters.group_size} students alike of one week; {groups:,} groups, "
        f"{covered / max(groups, 1):.1%} covered.",
        "",
        "| goal | groups | covered | mean width |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {each.groups:,} | {each.covered:.1%} | {each.width:.3f} |"
            for name, each in found.items()
        ),
    ]


def _options(run: FinishedRun) -> list[str]:
    parameters = read_goal_parameters(run.saved_model)
    return [
        "",
        f"Options on the calibration split, out of fold; {parameters.option} was taken.",
        "",
        "| option | log loss | behind | standard error | Brier |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {each.name} | {each.log_loss:.4f} | {each.behind:.4f} | "
            f"{each.standard_error:.4f} | {each.brier:.4f} |"
            for each in parameters.options
        ),
        "",
        "| step to | students | conversions | own weights | intercept | weights |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {step.to_stage} | {step.students:,} | {step.conversions:,} | "
            f"{'no' if step.pooled else 'yes'} | {step.intercept:.3f} | "
            + ", ".join(f"{f.value} {w:.2f}" for f, w in step.weights.items() if w)
            + " |"
            for step in parameters.steps
        ),
    ]


def _goals_advised(config: GoalpathConfig) -> Sequence[str]:
    return tuple(dict.fromkeys((config.default_goal, config.stages[-1])))


def _advice(asked: _Asked, advisor: GoalAdvisor, goal: str, count: int) -> list[str]:
    run, snapshots = asked.run, asked.snapshots
    stages = run.config.stages
    place = np.array([stages.index(name) for name in snapshots.texts(names.Q_STAGE)])
    before = np.flatnonzero(place < stages.index(goal))
    drawn = np.random.default_rng(SEED).permutation(before)[:count]
    states = goal_advice.states_of_examples(
        asked.model, run.split_files(names.EVAL), run.config, frozenset(drawn.tolist())
    )
    choices = goal_advice.choose_contacts(states, advisor, goal, asked.progress)
    gains = goal_advice.true_gains(choices, run.data, snapshots, goal)
    ids = snapshots.texts(names.STUDENT_ID)[choices.snapshot].astype(str)
    student = np.unique(ids, return_inverse=True)[1]
    bootstrap = StudentBootstrap(int(student.max()) + 1, RESAMPLES, SEED)
    found = {
        who: bootstrap.estimate(weighted_mean(values), student) for who, values in gains.items()
    }
    rows = list(found.items())
    rows += [
        (f"advised less {other}", found["advised"].minus(found[other]))
        for other in ("ranked", "random")
    ]
    return [
        "",
        f"Points that the true chance to reach {goal} rises by the next contact, against none "
        f"that day; {len(choices.snapshot):,} snapshots, in {choices.differs:.0%} of which the "
        "advised engagement is not the first by the ranking head.",
        "",
        "| contact | points | 95 % interval |",
        "| --- | --- | --- |",
        *(
            f"| {who} | {100 * each.value:.3f} | {100 * each.interval[0]:.3f} to "
            f"{100 * each.interval[1]:.3f} |"
            for who, each in rows
        ),
    ]


def _speed(advisor: GoalAdvisor, config: GoalpathConfig) -> list[str]:
    stages = config.stages
    falling = tuple(0.9**place for place in range(len(stages)))
    state = GoalState(
        student_id="s",
        stage=stages[0],
        heads=Heads(0.3, 0.2, falling),
        embedding=(0.1,) * config.training.embedding_dim,
        ended=False,
        days_in_stage=10.0,
        days_since_active=3.0,
        events=5,
    )
    times = timeit.repeat(
        lambda: advisor.predict_goal_likelihood(state, stages[-1]), number=1, repeat=2000
    )
    p50, p99 = (1000 * float(np.percentile(times, q)) for q in (50, 99))
    return [
        "",
        f"predict_goal_likelihood with reasons, heads given: p50 {p50:.3f} ms, p99 {p99:.3f} ms.",
    ]


def _bulk(out: Path, run: FinishedRun, count: int, progress: Progress) -> list[str]:
    """Scores the version's states, over and over until there are `count`, into a file."""
    version = newest_version(out, run.config.serving.model_name)
    states = pq.read_table(version.states_path)
    model = PushedModel(version.model_dir, run.config)
    with tempfile.TemporaryDirectory() as folder:
        many = Path(folder) / "states.parquet"
        with pq.ParquetWriter(many, states.schema) as writer:
            for start in range(0, count, states.num_rows):
                writer.write_table(states.slice(0, min(states.num_rows, count - start)))
        started = timeit.default_timer()
        scores = bulk_scores(model, many, run.config, run.config.default_goal)
        rows = write_scores(scores, Path(folder) / "scores.parquet")
        seconds = timeit.default_timer() - started
    progress.say(f"scored {rows:,} students")
    return [
        "",
        f"score: {rows:,} students in {seconds:.1f} s, loading of TensorFlow and the model "
        "not counted.",
    ]


if __name__ == "__main__":
    main()
