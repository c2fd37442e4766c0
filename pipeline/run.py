"""A whole run: data, schema, pipeline, summary. TFX is imported when it is needed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import time
from pathlib import Path
from typing import Any

import click
from google.protobuf import text_format

from pipeline.beam_options import beam_args
from pipeline.disk_full import as_disk_full
from pipeline.node_events import EventLog
from pipeline.node_ids import NODE_IDS
from pipeline.output_capture import output_to
from pipeline.output_folder import OutputFolder, new_run_id
from pipeline.run_history import choose_baseline_version, inputs_digest
from pipeline.run_lock import run_lock
from pipeline.run_summary import (
    RunInputs,
    RunOutcome,
    RunRecord,
    replace_json,
    summarise,
    write_json,
)
from pipeline.runner_names import BEAM
from pipeline.settings import PipelineSettings
from schemas.as_of import as_of_instant
from schemas.code_identity import code_identity
from schemas.config import GoalpathConfig, load_config
from schemas.prepare import PreparedData, prepare_data


@dataclasses.dataclass(frozen=True)
class RunRequest:
    """What `goalpath run` was asked for.

    Attributes:
      data: the data folder.
      out: the output folder.
      runner: one of `runner_names.RUNNERS`.
      as_of: ISO 8601; "" for what follows from the data.
      window_days: 0 for all.
      max_bad_rows: rows that may be set aside.
      beam_args: as one text; None for the local ones.
      use_cache: take results of an earlier run where nothing changed.
    """

    data: Path
    out: Path
    runner: str = BEAM
    as_of: str = ""
    window_days: int = 0
    max_bad_rows: int = 0
    beam_args: str | None = None
    use_cache: bool = True


def run(request: RunRequest, now: dt.datetime) -> dict[str, Any]:
    """Runs the pipeline on a data folder; writes `run.json` whatever becomes of it.

    While the run is going on, and after it was killed, its status there is `running`.

    Args:
      request: what was asked for.
      now: aware; when the run begins.

    Returns:
      The content of `run.json`.

    Raises:
      InputError: configuration, data or `as_of` are wrong.
      OutputInUseError: another run has the output folder.
      DiskFullError: there was no room, outside of a node.
      GoalpathError: a node failed, or the push is missing.
    """
    out = OutputFolder(request.out.resolve())
    config = load_config(request.data)
    as_of = as_of_instant(request.as_of, config, where="--as-of")
    out.make()
    with run_lock(out.root):
        attempt = _Attempt(request, out, config, as_of, now)
        # So that after a kill no earlier run's summary is taken for that of the last.
        write_json(out.summary, summarise(attempt.record(), None, None))
        try:
            outcome = attempt.execute()
        except BaseException as error:
            known = as_disk_full(error, out.root) or error
            replace_json(out.summary, summarise(attempt.record(), None, known))
            if known is error:
                raise
            raise known from error
        summary = summarise(attempt.record(), outcome, None)
        write_json(out.runs / f"{attempt.run_id}.json", summary)
        write_json(out.summary, summary)
    return summary


class _Attempt:
    """One run, and what is known of it at any point."""

    def __init__(
        self,
        request: RunRequest,
        out: OutputFolder,
        config: GoalpathConfig,
        as_of: str,
        now: dt.datetime,
    ) -> None:
        self.run_id = new_run_id(now)
        self._request = request
        self._out = out
        self._config = config
        self._as_of = as_of
        self._now = now
        self._code = code_identity()
        self._log = out.logs / f"run-{self.run_id}.log"
        self._events = EventLog(out.logs / f"run-{self.run_id}.events.jsonl")
        self._prepared: PreparedData | None = None

    def execute(self) -> RunOutcome:
        """Prepares the data and runs the nodes."""
        click.echo(f"Checking {self._request.data}", err=True)
        self._prepared = prepare_data(
            self._request.data,
            self._config,
            self._out.data,
            now=self._now,
            max_bad_rows=self._request.max_bad_rows,
        )
        settings = self._settings(self._prepared)
        click.echo(f"Starting TFX; its messages go to {self._log}", err=True)
        with output_to(self._log) as terminal:
            from pipeline.local_runner import run_pipeline  # noqa: PLC0415

            return run_pipeline(
                settings,
                self._out,
                runner=self._request.runner,
                run_id=self.run_id,
                event_log=self._events,
                log=self._log,
                terminal=terminal,
            )

    def record(self) -> RunRecord:
        """What is known of the run by now."""
        tables = self._prepared.report.tables if self._prepared else ()
        return RunRecord(
            run_id=self.run_id,
            started=self._now.timestamp(),
            finished=time.time(),
            inputs=self._inputs(),
            nodes=NODE_IDS,
            events=tuple(self._events.read()),
            quarantined={table.table: table.set_aside for table in tables},
            log=str(self._log),
        )

    def _settings(self, prepared: PreparedData) -> PipelineSettings:
        serving_dir = self._out.serving(self._config.serving.model_name)
        inputs = self._inputs().digest
        return PipelineSettings(
            config=self._config,
            data_dir=str(prepared.folder),
            schema_file=str(write_schema_file(self._request.data, self._config, self._out.schemas)),
            fingerprint=prepared.fingerprint,
            code=self._code,
            pipeline_root=str(self._out.pipeline),
            serving_dir=str(serving_dir),
            states_dir=str(self._out.states),
            as_of=self._as_of,
            window_days=self._request.window_days,
            inputs=inputs,
            baseline=choose_baseline_version(serving_dir, inputs),
            beam_args=beam_args(self._request.beam_args),
            enable_cache=self._request.use_cache,
            metadata_file=str(self._out.metadata),
        )

    def _inputs(self) -> RunInputs:
        fingerprint = self._prepared.fingerprint if self._prepared else ""
        days = self._request.window_days
        return RunInputs(
            data=str(self._request.data.resolve()),
            fingerprint=fingerprint,
            as_of=self._as_of,
            window_days=days,
            config=self._config.name,
            code=self._code,
            digest=inputs_digest(fingerprint, self._config, self._as_of, days, self._code),
            runner=self._request.runner,
        )


def write_schema_file(data: Path, config: GoalpathConfig, folder: Path) -> Path:
    """Writes the schema of the data under a name that changes with its content.

    The cache of ML Metadata knows a file by its path alone.

    Raises:
      ConfigError: the data folder's own schema does not fit the configuration.
    """
    from schemas.example_schema import load_schema  # noqa: PLC0415

    text = text_format.MessageToString(load_schema(data, config))
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = folder / digest / "schema.pbtxt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
