"""Trains variants of the model on the Examples of a finished run, and measures each.

    python -m benchmarks.ablation --out OUT --variant "" --variant "dropout=0.3" --seeds 1,2

A variant is keys of `training` in goalpath.yaml with other values, as JSON, several
separated by blanks; "" is the configuration as it is. Each is trained, exported and read
back as a run does it, and measured on the evaluation split by the code of
`benchmarks.quality`, without peers. One line of JSON each is added to `--report`.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import click
import numpy as np

from benchmarks.quality_parts import probability_views, ranking_views
from benchmarks.quality_parts.bootstrap import StudentBootstrap
from benchmarks.quality_parts.candidate_lists import CandidateLists, candidate_lists
from benchmarks.quality_parts.figures import OURS, Json
from benchmarks.quality_parts.finished_run import FinishedRun, find_run
from benchmarks.quality_parts.own_model import ModelOutputs, model_outputs
from benchmarks.quality_parts.probability_views import HeadAnswers, measure_head
from benchmarks.quality_parts.progress import Progress
from benchmarks.quality_parts.ranking_views import measure_ranking
from benchmarks.quality_parts.read_examples import read_snapshots
from benchmarks.quality_parts.snapshots import Snapshots
from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import GoalpathError
from trainer.train import CATALOGUE_KEY, run_fn

FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
FILE: Final = click.Path(dir_okay=False, path_type=Path)
_VIEWS: Final = (probability_views.POOLED, probability_views.ACTIVE)


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What every variant is trained from.

    Attributes:
      run: the finished run.
      train: training split.
      evaluation: evaluation split.
      lists: of the evaluation split.
    """

    run: FinishedRun
    train: Snapshots
    evaluation: Snapshots
    lists: CandidateLists


@click.command()
@click.option("--out", type=FOLDER, required=True, help="Of a finished goalpath run.")
@click.option("--variant", "variants", multiple=True, default=("",), help="key=JSON ...")
@click.option("--seeds", default="1", show_default=True, help="Separated by commas.")
@click.option("--report", type=FILE, help="JSON lines are added to it.")
def main(*, out: Path, variants: tuple[str, ...], seeds: str, report: Path | None) -> None:
    """Train variants on the Examples of the last run in OUT, and measure them."""
    try:
        inputs = read_inputs(out)
        for variant in variants:
            for seed in seeds.split(","):
                line = json.dumps(measure_variant(inputs, variant, int(seed)))
                print(line, flush=True)
                if report is not None:
                    with report.open("a", encoding="utf-8") as file:
                        file.write(line + "\n")
    except GoalpathError as error:
        raise click.ClickException(error.describe()) from error


def read_inputs(out: Path) -> Inputs:
    """Finds the artifacts of the last run.

    Raises:
      InputError: there is none that came to its end.
    """
    run = find_run(out)
    evaluation = read_snapshots(run.split_files(names.EVAL), run.config)
    return Inputs(
        run=run,
        train=read_snapshots(run.split_files(names.TRAIN), run.config),
        evaluation=evaluation,
        lists=candidate_lists(evaluation),
    )


def variant_config(config: GoalpathConfig, variant: str, seed: int) -> GoalpathConfig:
    """The configuration with other values of `training`.

    Raises:
      click.BadParameter: the variant is not `key=JSON` and so on.
    """
    training: dict[str, Any] = {**config.model_dump(mode="json")["training"], "seed": seed}
    for part in variant.split():
        key, separator, value = part.partition("=")
        if not separator or key not in training:
            raise click.BadParameter(f"{part!r} should be KEY=JSON, KEY one of {sorted(training)}")
        training[key] = json.loads(value)
    return GoalpathConfig.model_validate({**config.model_dump(mode="json"), "training": training})


def measure_variant(inputs: Inputs, variant: str, seed: int) -> Json:
    """Trains, exports and measures one variant."""
    config = variant_config(inputs.run.config, variant, seed)
    with tempfile.TemporaryDirectory(prefix="goalpath-ablation-") as folder:
        began = time.monotonic()
        run_fn(_fn_args(inputs, config, Path(folder)))
        seconds = time.monotonic() - began
        history = json.loads((Path(folder) / "run" / names.HISTORY_FILE).read_text())
        outputs = model_outputs(
            Path(folder) / "model",
            inputs.run.split_files(names.EVAL),
            inputs.evaluation.columns[names.C_ID],
            Progress(),
        )
    best = history["epochs"][history["best_epoch"] - 1]
    return {
        "variant": variant,
        "seed": seed,
        "seconds": round(seconds, 1),
        "best_epoch": history["best_epoch"],
        "calibration_losses": {k: round(v, 4) for k, v in best["validation_losses"].items()},
        **_figures(inputs, outputs),
    }


def _fn_args(inputs: Inputs, config: GoalpathConfig, folder: Path) -> SimpleNamespace:
    return SimpleNamespace(
        train_files=[str(path) for path in inputs.run.split_files(names.TRAIN)],
        eval_files=[str(path) for path in inputs.run.split_files(names.CALIBRATION)],
        transform_graph_path=str(inputs.run.transform_graph),
        serving_model_dir=str(folder / "model"),
        model_run_dir=str(folder / "run"),
        custom_config={
            "config": config.model_dump_json(),
            CATALOGUE_KEY: str(inputs.run.catalogue),
        },
    )


def _figures(inputs: Inputs, outputs: ModelOutputs) -> Json:
    students = len(inputs.evaluation.columns[names.STUDENT_ID].vocabulary)
    once = StudentBootstrap(students, 1, 1)
    nothing = np.full(inputs.evaluation.count, np.nan)
    found: Json = {}
    for head in (names.LIKELIHOOD, names.RISK):
        answers = HeadAnswers(head, {OURS: outputs.alone[head]}, {OURS: nothing})
        views = measure_head(answers, inputs.evaluation, once, Progress())
        found[head] = {view: _own(views[view]) for view in _VIEWS}
    ranking = measure_ranking(
        {OURS: outputs.listed[names.RANKING_SCORE][inputs.lists.places]},
        inputs.lists,
        train=inputs.train,
        evaluation=inputs.evaluation,
        bootstrap=once,
        progress=Progress(),
    )
    return {**found, "ranking": _own(ranking[ranking_views.ALL])}


def _own(view: Mapping[str, Any]) -> dict[str, float]:
    """Our figures of a view, without what only a bootstrap or a peer could say."""
    return {metric: entry["methods"][OURS][0] for metric, entry in view["metrics"].items()}


if __name__ == "__main__":
    main()
