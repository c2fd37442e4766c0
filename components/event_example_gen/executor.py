"""Runs the pipeline of `beam_generate` and fills the artifacts."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import Any, Final

import pyarrow.parquet as pq
from apache_beam.io.filesystems import FileSystems
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components.event_example_gen import beam_files, beam_generate, clock, report
from components.event_example_gen.beam_job import Job, plan_job
from components.event_example_gen.beam_shards import shard_name, split_folder
from components.event_example_gen.catalogue_table import catalogue_table
from components.event_example_gen.splits import ALL_SPLITS, plan_splits
from schemas import names
from schemas.as_of import as_of_instant
from schemas.config import GoalpathConfig

EXAMPLES: Final = "examples"
STATES: Final = "states"
CATALOGUE: Final = "catalogue"
TABLES: Final = "tables"
DATA_DIR: Final = "data_dir"
CONFIG: Final = "config"
AS_OF: Final = "as_of"
WINDOW_DAYS: Final = "window_days"
FINGERPRINT: Final = "fingerprint"
CODE: Final = "code"
SUMMARY_FILE: Final = "summary.json"
CATALOGUE_SUMMARY_FILE: Final = "catalogue.json"

_WORK = ".work"


class Executor(base_beam_executor.BaseBeamExecutor):  # type: ignore[misc]
    """Executor of `EventExampleGen`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes Examples, states and catalogue.

        Raises:
          DataError: the tables cannot be read, or lack what they need.
          TrainingRefusedError: a split or a head has nothing to learn from.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(output_dict[EXAMPLES])
        describe_examples(examples)
        config = GoalpathConfig.model_validate_json(exec_properties[CONFIG])
        job = plan_job(
            config,
            data_dir=tables_folder(input_dict, exec_properties),
            work_dir=beam_files.join(examples.uri, _WORK),
            examples_dir=examples.uri,
            as_of=as_of_instant(exec_properties.get(AS_OF) or "", config),
            window_days=int(exec_properties.get(WINDOW_DAYS) or 0),
        )
        self._run(
            job,
            states_dir=artifact_utils.get_single_uri(output_dict[STATES]),
            catalogue_dir=artifact_utils.get_single_uri(output_dict[CATALOGUE]),
        )

    def _run(self, job: Job, *, states_dir: str, catalogue_dir: str) -> None:
        begun = time.monotonic()
        make_folders(job)
        try:
            with self._make_beam_pipeline() as pipeline:
                beam_generate.build_pipeline(pipeline, job)
            finish(job, states_dir=states_dir, catalogue_dir=catalogue_dir)
        finally:
            beam_files.remove_folder(job.work_dir)
        logging.info("Examples written in %.1f s.", time.monotonic() - begun)


def tables_folder(
    input_dict: Mapping[str, list[types.Artifact]], exec_properties: Mapping[str, Any]
) -> str:
    """The prepared folder: the artifact `tables` where there is one, else `data_dir`."""
    if input_dict.get(TABLES):
        return str(artifact_utils.get_single_uri(input_dict[TABLES]))
    return str(exec_properties[DATA_DIR])


def describe_examples(examples: types.Artifact) -> None:
    """Says which splits the artifact has and that it holds tf.Examples."""
    examples.split_names = artifact_utils.encode_split_names(list(ALL_SPLITS))
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)


def make_folders(job: Job) -> None:
    """Makes the folders that the pipeline writes into."""
    beam_files.remove_folder(job.work_dir)
    for folder in beam_generate.FOLDERS:
        beam_files.make_folder(beam_files.join(job.work_dir, folder))
    for split in ALL_SPLITS:
        beam_files.make_folder(split_folder(job.examples_dir, split))


def finish(job: Job, *, states_dir: str, catalogue_dir: str) -> None:
    """Puts together what the partitions left, and checks that it can be learned from.

    Raises:
      TrainingRefusedError: a split or a head has nothing to learn from.
    """
    config = job.parse_config()
    summary = write_summary(job, config)
    beam_files.make_folder(states_dir)
    join_parts(job, beam_generate.STATES, beam_files.join(states_dir, names.STATES_FILE))
    join_parts(job, beam_generate.HISTORIES, beam_files.join(states_dir, names.HISTORIES_FILE))
    write_reference(job, states_dir)
    write_catalogue(job, catalogue_dir)
    fill_empty_splits(job, summary)
    report.require_learnable(summary, config)


def write_summary(job: Job, config: GoalpathConfig) -> dict[str, Any]:
    """Writes `summary.json` beside the splits."""
    found, first_snapshot = beam_generate.read_report(job.work_dir)
    plan = plan_splits(config, first_snapshot=first_snapshot, as_of=job.as_of)
    extra: Mapping[str, object] = {
        "as_of": clock.to_text(job.as_of),
        "first_snapshot": _text_or_none(first_snapshot),
        "evaluation_start": _text_or_none(plan.evaluation_start),
        "partitions": job.partitions,
    }
    summary = report.summarise(found, config, extra)
    path = beam_files.join(job.examples_dir, SUMMARY_FILE)
    beam_files.write_text(path, json.dumps(summary, indent=2) + "\n")
    for split, counts in summary["splits"].items():
        logging.info("Split %s: %s", split, counts)
    return summary


def _text_or_none(instant: int | None) -> str | None:
    return None if instant in (None, clock.NEVER) else clock.to_text(int(instant or 0))


def join_parts(job: Job, folder: str, path: str) -> None:
    """Puts what the partitions left in a folder into one Parquet file, part after part."""
    found = beam_files.join(job.work_dir, folder)
    parts = beam_files.match_files(beam_files.join(found, "*.arrow"))
    with FileSystems.create(path) as sink:
        schema = beam_files.read_ipc(parts[0]).schema
        with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
            for part in parts:
                writer.write_table(beam_files.read_ipc(part))


def write_reference(job: Job, states_dir: str) -> None:
    """Writes the engagements and cohorts that histories refer to."""
    for table, file in names.REFERENCE_FILES.items():
        rows = beam_files.read_table(job.data_dir, table)
        if rows is not None:
            with FileSystems.create(beam_files.join(states_dir, file)) as sink:
                pq.write_table(rows, sink, compression="zstd")


def write_catalogue(job: Job, catalogue_dir: str) -> None:
    """Writes `catalogue.parquet` and `catalogue.json`."""
    engagements = job.load_reference().engagements
    popularity = beam_generate.read_popularity(job.work_dir)
    table = catalogue_table(engagements, popularity, job.as_of)
    beam_files.make_folder(catalogue_dir)
    with FileSystems.create(beam_files.join(catalogue_dir, names.CATALOGUE_FILE)) as sink:
        pq.write_table(table, sink, compression="zstd")
    content = {
        "as_of": clock.to_text(job.as_of),
        "rows": table.num_rows,
        "engagements": len(engagements),
        "audiences": len(engagements.audiences),
    }
    path = beam_files.join(catalogue_dir, CATALOGUE_SUMMARY_FILE)
    beam_files.write_text(path, json.dumps(content, indent=2) + "\n")


def fill_empty_splits(job: Job, summary: Mapping[str, Any]) -> None:
    """Gives a split without Examples an empty file, so that its folder can be read."""
    for split in ALL_SPLITS:
        if not summary["splits"][split]["snapshots"]:
            name = shard_name(0, job.partitions)
            folder = split_folder(job.examples_dir, split)
            beam_files.write_text(beam_files.join(folder, name), "")
