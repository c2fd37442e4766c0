"""Runs on Kubeflow: start, wait, look."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Final

from pipeline.kubeflow.compiled_file import CompiledFile
from pipeline.kubeflow.connection import speaking
from pipeline.kubeflow.run_parameters import Value
from pipeline.kubeflow.workspace import PAGE_SIZE, Workspace, all_pages

SUCCEEDED: Final = "SUCCEEDED"
ENDED: Final = (SUCCEEDED, "FAILED", "CANCELED", "SKIPPED")
_NEWEST_FIRST: Final = "created_at desc"


@dataclasses.dataclass(frozen=True)
class RunState:
    """A run as the server knows it.

    Attributes:
      run_id: its id.
      name: as shown.
      state: `V2beta1RuntimeState`, such as RUNNING; "PENDING" before it has one.
      created: when.
      finished: when; None while it runs.
      failed: nodes that failed.
      reason: that the server gives.
      link: to its page.
      schedule_id: of the recurring run that started it; "" for none.
    """

    run_id: str
    name: str
    state: str
    created: dt.datetime | None
    finished: dt.datetime | None
    failed: tuple[str, ...]
    reason: str
    link: str
    schedule_id: str


def start_run(
    workspace: Workspace,
    compiled: CompiledFile,
    *,
    name: str,
    values: Mapping[str, Value],
    pipeline_root: str | None,
    service_account: str | None,
) -> RunState:
    """Uploads the version where it is new, and starts a run of it.

    Args:
      workspace: where.
      compiled: the pipeline.
      name: of the run.
      values: of run parameters; those left out have their defaults.
      pipeline_root: where artifacts go; None: as compiled, or the server's.
      service_account: of the pods; None: the default.

    Raises:
      InputError, KubeflowServerError: the server refuses something.
    """
    version = workspace.upload(compiled)
    experiment_id = workspace.experiment_id(make=True)
    with speaking(workspace.server):
        run = workspace.client.run_pipeline(
            experiment_id=experiment_id,
            job_name=name,
            params=dict(values),
            pipeline_id=version.pipeline_id,
            version_id=version.version_id,
            pipeline_root=pipeline_root,
            service_account=service_account,
        )
        return _state(workspace, run)


def wait_for(
    workspace: Workspace,
    run_id: str,
    *,
    sleep: Callable[[], None],
    show: Callable[[RunState], None],
) -> RunState:
    """Asks until the run has ended.

    Args:
      workspace: where.
      run_id: of the run.
      sleep: between two questions.
      show: is called with every new state.
    """
    last = ""
    while True:
        with speaking(workspace.server):
            state = _state(workspace, workspace.client.get_run(run_id))
        if state.state != last:
            show(state)
            last = state.state
        if state.state in ENDED:
            return state
        sleep()


def last_runs(workspace: Workspace, count: int) -> list[RunState]:
    """The newest runs of the experiment, newest first.

    Raises:
      InputError: there is no such experiment.
    """
    experiment_id = workspace.experiment_id(make=False)

    def ask(token: str) -> Any:
        return workspace.client.list_runs(
            page_token=token,
            page_size=min(count, PAGE_SIZE),
            sort_by=_NEWEST_FIRST,
            experiment_id=experiment_id,
        )

    with speaking(workspace.server):
        found = all_pages(ask, lambda page: page.runs, count)
    return [_state(workspace, run) for run in found]


def _state(workspace: Workspace, run: Any) -> RunState:
    details = run.run_details.task_details if run.run_details else None
    failed = {
        str(task.display_name): task.error.message if task.error else ""
        for task in details or []
        # The run itself is among its tasks, under its own name.
        if task.state == "FAILED" and task.display_name not in (run.display_name, "root")
    }
    reason = (run.error.message if run.error else "") or next(filter(None, failed.values()), "")
    return RunState(
        run_id=str(run.run_id),
        name=str(run.display_name),
        state=str(run.state or "PENDING"),
        created=run.created_at,
        finished=run.finished_at if run.state in ENDED else None,
        failed=tuple(sorted(failed)),
        reason=str(reason or ""),
        link=workspace.link("runs", str(run.run_id)),
        schedule_id=str(run.recurring_run_id or ""),
    )
