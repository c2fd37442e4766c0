"""Runs the pipeline on this machine and says what came of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import absl.logging

from components.evaluator.baseline import pushed_versions
from pipeline.create_pipeline import create_pipeline
from pipeline.dag_runners import new_runner
from pipeline.executions import open_store, remove_dead, run_executions
from pipeline.failures import NodeFailedError, failure
from pipeline.node_events import (
    PROGRESS_LOGGER,
    EventLog,
    Happening,
    ProgressHandler,
    describe_cause,
    running_node,
)
from pipeline.node_ids import NODE_IDS
from pipeline.output_folder import OutputFolder, temporary_files_in
from pipeline.progress import following, new_display
from pipeline.run_outcome import read_outcome
from pipeline.run_summary import RunOutcome
from pipeline.settings import PipelineSettings


def run_pipeline(
    settings: PipelineSettings,
    out: OutputFolder,
    *,
    runner: str,
    run_id: str,
    event_log: EventLog,
    log: Path,
    terminal: TextIO,
) -> RunOutcome:
    """Runs all nodes, those that finished before from the cache.

    Standard output and error of the process must already go to `log`.

    Args:
      settings: of the pipeline; its metadata file is that of `out`.
      out: the output folder, held by this process alone.
      runner: one of `runner_names.RUNNERS`.
      run_id: the name of the run in ML Metadata.
      event_log: of the run.
      log: of the run.
      terminal: where the progress is shown.

    Raises:
      NodeFailedError: a node failed.
      PushMissingError: see `run_outcome.read_outcome`.
    """
    absl.logging.set_verbosity(absl.logging.INFO)
    store = open_store(out.metadata)
    remove_dead(store, out.pipeline)
    serving_dir = Path(settings.serving_dir)
    pushed_before = {path.name for path in pushed_versions(serving_dir)}
    pipeline = create_pipeline(settings)
    display = new_display(terminal, NODE_IDS)
    with temporary_files_in(out.temp), following(event_log, display), _trainer_progress(event_log):
        try:
            new_runner(runner, event_log, run_id).run(pipeline)
        except Exception as error:
            raise _failed_node(error, event_log, log) from error
    return read_outcome(run_executions(store, settings.name, run_id), serving_dir, pushed_before)


@contextmanager
def _trainer_progress(event_log: EventLog) -> Iterator[None]:
    logger = logging.getLogger(PROGRESS_LOGGER)
    level, handler = logger.level, ProgressHandler(event_log)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _failed_node(error: Exception, event_log: EventLog, log: Path) -> NodeFailedError:
    events = event_log.read()
    for event in events:
        if event.happening is Happening.FAILED and event.cause is not None:
            return failure(event.node, event.cause, log)
    # Nothing could be written any more, or it was no node that failed.
    return failure(running_node(events) or "pipeline", describe_cause(error), log)
