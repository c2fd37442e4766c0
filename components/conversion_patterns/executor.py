"""Unpacks the artifacts of ConversionPatterns."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, Final

from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.conversion_patterns import beam_count
from components.conversion_patterns.document import describe
from components.conversion_patterns.model_answers import ask_model
from components.event_example_gen import beam_files, beam_generate, clock
from components.event_example_gen.beam_job import Job, plan_job
from components.event_example_gen.executor import SUMMARY_FILE, tables_folder
from components.event_example_gen.splits import SplitPlan, plan_splits
from schemas.config import GoalpathConfig
from schemas.errors import TrainingRefusedError
from schemas.patterns_files import write_patterns

MODEL: Final = "model"
EXAMPLES: Final = "examples"
TABLES: Final = "tables"
PATTERNS: Final = "patterns"
DATA_DIR: Final = "data_dir"
CONFIG: Final = "config"
WINDOW_DAYS: Final = "window_days"

_WORK: Final = ".work"


class Executor(base_beam_executor.BaseBeamExecutor):  # type: ignore[misc]
    """Executor of `ConversionPatterns`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `patterns.json` and `journeys.parquet`.

        Raises:
          DataError: the tables cannot be read.
          TrainingRefusedError: no training student has a state to learn from.
          GoalpathError: the model cannot be loaded.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        config = GoalpathConfig.model_validate_json(exec_properties[CONFIG])
        target = artifact_utils.get_single_uri(output_dict[PATTERNS])
        summary = read_summary(artifact_utils.get_single_uri(input_dict[EXAMPLES]))
        job = plan_job(
            config,
            data_dir=tables_folder(input_dict, exec_properties),
            work_dir=beam_files.join(target, _WORK),
            examples_dir="",
            as_of=summary["as_of"],
            window_days=int(exec_properties.get(WINDOW_DAYS) or 0),
        )
        model_dir = artifact_utils.get_single_uri(input_dict[MODEL])
        self._run(
            job,
            plan_of(summary, config, job),
            saved_model=Path(path_utils.serving_model_path(model_dir)),
            target=target,
        )

    def _run(self, job: Job, plan: SplitPlan, *, saved_model: Path, target: str) -> None:
        beam_files.make_folder(beam_files.join(job.work_dir, beam_generate.PIECES))
        try:
            with self._make_beam_pipeline() as pipeline:
                beam_count.build_pipeline(pipeline, job, plan)
            counts = beam_count.read_counts(job)
        finally:
            beam_files.remove_folder(job.work_dir)
        if not counts.sample.num_rows:
            raise TrainingRefusedError(
                "conversion patterns need training students with a state.",
                where="ConversionPatterns",
                received=f"{counts.students} training students, none with a window to its end",
                remedy="give more data before the evaluation starts.",
            )
        reference = job.load_reference()
        answers = ask_model(saved_model, counts.sample, reference.config)
        document, journeys = describe(
            counts, answers, reference, evaluation_start=plan.evaluation_start
        )
        write_patterns(Path(target), document, journeys)
        logging.info(
            "Patterns of %d students: %d effects, %d clusters, %d paths, %d journeys.",
            counts.students,
            len(document.effects),
            len(document.clustering.clusters),
            len(document.paths),
            journeys.num_rows,
        )


def read_summary(examples_dir: str) -> dict[str, Any]:
    """The summary of the Examples, which says how they were split."""
    return dict(json.loads(beam_files.read_text(beam_files.join(examples_dir, SUMMARY_FILE))))


def plan_of(summary: dict[str, Any], config: GoalpathConfig, job: Job) -> SplitPlan:
    """The split of the Examples that the model was trained on."""
    first = summary["first_snapshot"]
    return plan_splits(
        config,
        first_snapshot=clock.NEVER if first is None else clock.parse_instant(first),
        as_of=job.as_of,
    )
