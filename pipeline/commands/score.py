"""`goalpath score`: likelihood, risk and a goal for every student, into a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from pipeline.pushed_version import load_model, model_name, out_option
from schemas.errors import InputError
from serving.bulk_scores import SCHEMA, bulk_scores
from serving.state_batches import count_states
from serving.versions import newest_version

WRITERS = {".parquet": pq.ParquetWriter, ".csv": pa_csv.CSVWriter}


@click.command("score")
@out_option
@click.option(
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write: .parquet or .csv.",
)
@click.option("--goal", metavar="STAGE", help="Default: the goal of goalpath.yaml.")
def command(out: Path, output: Path, goal: str | None) -> None:
    """Predict for every student of the newest pushed version.

    One row a student: likelihood, risk, and the likelihood of the goal with its interval.
    Students who have ended have the goal as recorded, 1 or 0, and no likelihood and risk.
    """
    if output.suffix not in WRITERS:
        raise InputError(
            "scores are written as Parquet or CSV, by the file's ending.",
            where="--output",
            received=str(output),
            remedy=f"end its name with {' or '.join(WRITERS)}.",
        )
    version = newest_version(out, model_name(out))
    model, config = load_model(version)
    asked = config.default_goal if goal is None else goal
    scores = bulk_scores(model, version.states_path, config, asked)
    total = count_states(version.states_path)
    written = write_scores(_with_progress(scores, total), output)
    click.echo(f"{written:,} students, as of {version.as_of}: {output}")


def write_scores(scores: Iterator[pa.RecordBatch], output: Path) -> int:
    """Writes all of them, or leaves no file.

    Args:
      scores: by `SCHEMA`.
      output: `.parquet` or `.csv`; replaced if it is there.

    Returns:
      Rows written.
    """
    unfinished = output.with_name(f".{output.name}.unfinished")
    rows = 0
    try:
        with WRITERS[output.suffix](str(unfinished), SCHEMA) as writer:
            for batch in scores:
                writer.write_batch(batch)
                rows += len(batch)
        os.replace(unfinished, output)
    finally:
        unfinished.unlink(missing_ok=True)
    return rows


def _with_progress(scores: Iterator[pa.RecordBatch], total: int) -> Iterator[pa.RecordBatch]:
    done = 0
    for batch in scores:
        done += len(batch)
        click.echo(f"scored {done:,} of {total:,} students", err=True)
        yield batch
