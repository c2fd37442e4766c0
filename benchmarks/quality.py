"""Measures the three heads of a finished run against their peers.

    make quality-setup
    make quality OUT=demo/out NAME=simulated

The peers' packages (LightGBM, implicit) are no dependencies of goalpath: `make quality-setup`
puts them, pinned in requirements/benchmark.txt, into `.benchmark/`, which only this command
is given:

    OMP_WAIT_POLICY=passive PYTHONPATH=.benchmark .venv/bin/python -m benchmarks.quality ...

(Without the first, threads of LightGBM that wait for each other keep a busy machine busy.)
What the peers say depends on the Examples alone and is kept in the cache folder, so
that measuring another model on the same Examples takes a minute.

Replaces the data set's entry of `QUALITY.json`, writes `QUALITY.md` anew from it, and prints
the section.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts import report
from benchmarks.quality_parts.bootstrap import StudentBootstrap
from benchmarks.quality_parts.candidate_lists import candidate_lists
from benchmarks.quality_parts.figures import OURS, TRUTH, Json
from benchmarks.quality_parts.finished_run import FinishedRun, find_run
from benchmarks.quality_parts.known_labels import given_places
from benchmarks.quality_parts.own_model import ModelOutputs, model_outputs
from benchmarks.quality_parts.peer_answers import PeerAnswers, answers_key, load_answers
from benchmarks.quality_parts.peers import SearchEffort, Splits, ask_peers
from benchmarks.quality_parts.probability_views import (
    HeadAnswers,
    distance_to_truth,
    measure_head,
    slice_calibration,
)
from benchmarks.quality_parts.progress import Progress
from benchmarks.quality_parts.ranking_views import measure_ranking
from benchmarks.quality_parts.read_examples import read_snapshots
from benchmarks.quality_parts.truth import true_probabilities
from schemas import names
from schemas.errors import GoalpathError

HERE = Path(__file__).parent
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
# Parts of the configuration that the peers do not read.
_OF_THE_MODEL = {
    "training",
    "evaluation",
    "comparators",
    "validation",
    "goals",
    "patterns",
    "serving",
}


@click.command()
@click.option("--out", type=FOLDER, required=True, help="Of a finished goalpath run.")
@click.option("--data", type=FOLDER, help="Data folder; default: the one the run was given.")
@click.option("--name", help="Of the data set in the report; default: its configuration's.")
@click.option("--report", "report_path", type=FILE, default=HERE / "QUALITY.json")
@click.option("--cache", type=click.Path(path_type=Path), help="Default: OUT/quality.")
@click.option("--trials", type=click.IntRange(1), default=16, show_default=True)
@click.option("--resamples", type=click.IntRange(1), default=300, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(
    *,
    out: Path,
    data: Path | None,
    name: str | None,
    report_path: Path,
    cache: Path | None,
    trials: int,
    resamples: int,
    seed: int,
) -> None:
    """Measure the heads of the last run in OUT against their peers."""
    progress = Progress()
    try:
        run = find_run(out)
        effort = SearchEffort(trials, seed)
        results = measure_run(
            run,
            data=data or run.data,
            cache=cache or out / "quality",
            effort=effort,
            resamples=resamples,
            progress=progress,
        )
    except GoalpathError as error:
        raise click.ClickException(error.describe()) from error
    name = name or run.config.name
    report.add_results(report_path, name, results)
    print(report.describe(name, results))


def measure_run(
    run: FinishedRun,
    *,
    data: Path,
    cache: Path,
    effort: SearchEffort,
    resamples: int,
    progress: Progress,
) -> Json:
    """The results of a data set, as JSON.

    Args:
      run: to measure.
      data: folder that may hold a truth.
      cache: folder for the peers' answers.
      effort: of tuning the peers.
      resamples: of the bootstrap.
      progress: is told what goes on.
    """
    splits = Splits(*(read_snapshots(run.split_files(s), run.config) for s in names.SPLITS))
    progress.say("read " + ", ".join(f"{each.count:,}" for each in splits.all) + " snapshots")
    evaluation = splits.evaluation
    files = run.split_files(names.EVAL)
    ours = model_outputs(run.saved_model, files, evaluation.columns[names.C_ID], progress)
    peers = _peer_answers(run, splits, cache, effort, progress)
    students = len(evaluation.columns[names.STUDENT_ID].vocabulary)
    bootstrap = StudentBootstrap(students, resamples, effort.seed)
    results: Json = {
        "run_id": run.run_id,
        "version": run.manifest["version"],
        "as_of": run.manifest["as_of"],
        "trials": effort.trials,
        "resamples": resamples,
        "splits": {
            split: {
                "snapshots": each.count,
                "students": len(each.columns[names.STUDENT_ID].vocabulary),
            }
            for split, each in zip(names.SPLITS, splits.all, strict=True)
        },
    }
    truth = true_probabilities(data, evaluation)
    slices: Json = {}
    distances: Json = {}
    for head in (names.LIKELIHOOD, names.RISK):
        answers = _head_answers(head, splits, ours, peers, truth)
        results[head] = measure_head(answers, evaluation, bootstrap, progress)
        slices[head] = slice_calibration(answers, evaluation, run.config, effort.seed)
        distances[head] = distance_to_truth(answers, evaluation, bootstrap)
    lists = candidate_lists(evaluation)
    ranking = {OURS: ours.listed[names.RANKING_SCORE][lists.places], **peers.ranking}
    results["ranking"] = measure_ranking(
        ranking,
        lists,
        train=splits.train,
        evaluation=evaluation,
        bootstrap=bootstrap,
        progress=progress,
    )
    progress.say("done")
    chosen = dict(peers.notes)
    return {**results, "slices": slices, "truth": distances, "chosen": chosen}


def _peer_answers(
    run: FinishedRun, splits: Splits, cache: Path, effort: SearchEffort, progress: Progress
) -> PeerAnswers:
    data_alone = run.config.model_dump_json(exclude=_OF_THE_MODEL)
    key = answers_key(run.examples_digest(), repr(effort), data_alone)
    kept = cache / f"peers-{key}.npz"
    if kept.is_file():
        progress.say(f"peers: as in {kept}")
        return load_answers(kept)
    answers = ask_peers(splits, run.config, run.prepared, effort, progress)
    answers.save(kept)
    return answers


def _head_answers(
    head: str,
    splits: Splits,
    ours: ModelOutputs,
    peers: PeerAnswers,
    truth: dict[str, npt.NDArray[np.float64]] | None,
) -> HeadAnswers:
    told = {names.LIKELIHOOD: names.LIKELIHOOD_GIVEN, names.RISK: names.RISK_GIVEN}[head]
    place = given_places(splits.evaluation)
    given = np.full(len(place), np.nan)
    given[place >= 0] = ours.listed[told][place[place >= 0]]
    alone = {OURS: ours.alone[head], **peers.alone[head]}
    if truth is not None:
        alone[TRUTH] = truth[head]
    return HeadAnswers(head, alone, {OURS: given, **peers.given[head]})


if __name__ == "__main__":
    main()
