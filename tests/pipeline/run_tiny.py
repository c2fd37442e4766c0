"""Runs the tiny pipeline once: `run_tiny.py OUT FOLDER RUNNER RUN_ID`."""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.dag_runners import new_runner
from pipeline.executions import open_store, remove_dead
from pipeline.node_events import EventLog
from tests.pipeline.tiny_pipeline import tiny_pipeline

if __name__ == "__main__":
    out, folder, runner, run_id = sys.argv[1:]
    remove_dead(open_store(Path(out) / "metadata.sqlite"), Path(out) / "pipeline")
    pipeline = tiny_pipeline(Path(out), Path(folder))
    new_runner(runner, EventLog(Path(out) / "events.jsonl"), run_id).run(pipeline)
