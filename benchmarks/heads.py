"""What the numbers of the heads are like, measured on the evaluation split of a run.

    python -m benchmarks.heads --out OUT [--attributed 512]

Writes tables in Markdown, of which docs/heads.md holds two sets: distribution, how a
head moves with stage and recency, predicted against observed by tenths, examples, and
which features moved each head most (mean of |attribution| by the signature `attribute`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click
import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts.finished_run import FinishedRun, find_run
from benchmarks.quality_parts.known_labels import known_rows
from benchmarks.quality_parts.own_model import ModelOutputs, model_outputs
from benchmarks.quality_parts.progress import Progress
from benchmarks.quality_parts.read_examples import read_snapshots
from benchmarks.quality_parts.snapshots import Snapshots
from components.evaluator.attributions import attribute_of, read_spread
from components.evaluator.importance import global_importance
from components.model_validator.golden import dense_inputs
from schemas import names
from schemas.errors import GoalpathError

FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
LABELS: Final = {names.LIKELIHOOD: names.LIKELIHOOD_LABEL, names.RISK: names.RISK_LABEL}
QUANTILES: Final = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
RECENCY: Final = ((0, 3), (3, 7), (7, 14), (14, 28), (28, 56), (56, np.inf))
TENTHS: Final = 10
MOST: Final = 12

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@click.command()
@click.option("--out", type=FOLDER, required=True, help="Of a finished goalpath run.")
@click.option("--attributed", default=512, show_default=True, help="Snapshots to explain.")
def main(*, out: Path, attributed: int) -> None:
    """Describe the heads of the last run in OUT."""
    try:
        run = find_run(out)
    except GoalpathError as error:
        raise click.ClickException(error.describe()) from error
    files = run.split_files(names.EVAL)
    snapshots = read_snapshots(files, run.config)
    outputs = model_outputs(run.saved_model, files, snapshots.columns[names.C_ID], Progress())
    for lines in (
        _distribution(outputs, snapshots),
        *(_by_stage(outputs, snapshots, head, run) for head in LABELS),
        *(_by_recency(outputs, snapshots, head) for head in LABELS),
        *(_by_tenth(outputs, snapshots, head) for head in LABELS),
        _importance(run, files, attributed),
    ):
        print("\n".join(lines) + "\n")


def _distribution(outputs: ModelOutputs, snapshots: Snapshots) -> list[str]:
    heads = {**outputs.alone, names.RANKING_SCORE: outputs.listed[names.RANKING_SCORE]}
    rows = [
        [head, f"{values.size:,}", *(_number(q) for q in np.quantile(values, QUANTILES))]
        for head, values in heads.items()
    ]
    share = [f"{q:.0%}" for q in QUANTILES]
    return ["Distribution", "", *_table(["head", "values", *share], rows)]


def _by_stage(
    outputs: ModelOutputs, snapshots: Snapshots, head: str, run: FinishedRun
) -> list[str]:
    stages = np.array(snapshots.texts(names.Q_STAGE))
    groups = {stage: stages == stage for stage in run.config.stages}
    return _grouped("stage", groups, outputs, snapshots, head)


def _by_recency(outputs: ModelOutputs, snapshots: Snapshots, head: str) -> list[str]:
    days = snapshots.numbers(names.Q_DAYS_SINCE_ACTIVE)
    ever = snapshots.numbers(names.Q_ACTIVE[0]) > 0
    groups = {f"{low} to {high:g}": ever & (days >= low) & (days < high) for low, high in RECENCY}
    groups["never active"] = ~ever
    return _grouped("days since active", groups, outputs, snapshots, head)


def _by_tenth(outputs: ModelOutputs, snapshots: Snapshots, head: str) -> list[str]:
    known = np.flatnonzero(known_rows(snapshots, head))
    ordered = known[np.argsort(outputs.alone[head][known], kind="stable")]
    groups: dict[str, Flags] = {}
    for place, part in enumerate(np.array_split(ordered, TENTHS), start=1):
        chosen = np.zeros(snapshots.count, bool)
        chosen[part] = True
        groups[str(place)] = chosen
    return _grouped("tenth", groups, outputs, snapshots, head)


def _grouped(
    what: str,
    groups: Mapping[str, Flags],
    outputs: ModelOutputs,
    snapshots: Snapshots,
    head: str,
) -> list[str]:
    known = known_rows(snapshots, head)
    predicted, observed = outputs.alone[head], snapshots.numbers(LABELS[head])
    rows = []
    for name, members in groups.items():
        chosen = members & known
        if chosen.any():
            low, high = np.quantile(predicted[chosen], (0.1, 0.9))
            mean = _number(predicted[chosen].mean())
            spread = f"{_number(low)} to {_number(high)}"
            rate = _number(observed[chosen].mean())
            rows.append([name, f"{chosen.sum():,}", mean, spread, rate])
    header = [what, "snapshots", "mean predicted", "middle 80 %", "observed"]
    return [f"{head} by {what}", "", *_table(header, rows)]


def _importance(run: FinishedRun, files: Sequence[Path], wanted: int) -> list[str]:
    """Mean |attribution| of each head's most important features, in log-odds."""
    serialized = read_spread([str(path) for path in files], wanted)
    batches = [dense_inputs(batch, run.config) for batch in serialized]
    attribute = attribute_of(str(run.saved_model))
    if attribute is None:
        return ["The model has no signature `attribute`."]
    found = global_importance(attribute, batches)
    rows_of = [
        [f"{key} {value:.2f}" for key, value in list(found[head].items())[:MOST]]
        for head in names.HEADS
    ]
    columns = [list(row) for row in zip(*rows_of, strict=True)]
    return [f"Mean |attribution|, {wanted} snapshots", "", *_table(names.HEADS, columns)]


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


if __name__ == "__main__":
    main()
