"""A whole run: data, schema, pipeline, summary. TFX is imported when it is needed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pipeline.beam_options import beam_args
from pipeline.node_events import EventLog
from pipeline.output_capture import output_to
from pipeline.output_folder import OutputFolder, new_run_id
from pipeline.run_history import choose_baseline_version, inputs_digest
from pipeline.run_lock import run_lock
from pipeline.run_summary import RunInputs, RunOutcome, RunRecord, summarise, write_json
from pipeline.settings import PipelineSettings
from schemas.config import GoalpathConfig, load_config
from schemas.errors import GoalpathError
from schemas.prepare import PreparedData, prepare_data


@dataclasses.dataclass(frozen=True)
class RunRequest:
    """What `goalpath run` was asked for.

    Attributes:
      data: the data folder.
      out: the output folder.
      runner: one of `dag_runners.RUNNERS`.
      as_of: aware, or None: from the data.
      window_days: 0 for all.
      max_bad_rows: rows that may be set aside.
      beam_args: as one text, or None for the local ones.
      use_cache: take results of an earlier run where nothing changed.
    """

    data: Path
    out: Path
    runner: str = "beam"
    as_of: dt.datetime | None = None
    window_days: int = 0
    max_bad_rows: int = 0
    beam_args: str | None = None
    use_cache: bool = True
