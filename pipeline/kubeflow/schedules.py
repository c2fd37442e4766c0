"""Schedules on Kubeflow: recurring runs, known by their names."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Mapping
from typing import Any, Final

from pipeline.kubeflow.compiled_file import CompiledFile
from pipeline.kubeflow.connection import speaking
from pipeline.kubeflow.cron import Cron
from pipeline.kubeflow.run_parameters import Value
from pipeline.kubeflow.workspace import PAGE_SIZE, Version, Workspace, all_pages, named
from schemas import names
from schemas.errors import InputError

# The server puts the instant that a run was due in its place, in UTC. Without a format it
# would write fourteen digits.
SCHEDULED_TIME: Final = "[[ScheduledTime.2006-01-02T15:04:05Z07:00]]"
# Two runs at once would compare with the same version, and push one after the other.
MAX_CONCURRENCY: Final = 1
_ENABLED: Final = ("ENABLE", "ENABLED")
_MOST: Final = 1000


class Change(str, enum.Enum):
    """What `apply_schedule` did."""

    CREATED = "created"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a schedule is to be.

    Attributes:
      name: of the schedule.
      cron: when.
      values: of run parameters; `as_of` follows the schedule where it is not among them.
      pipeline_root: where artifacts go; None: as compiled, or the server's.
      service_account: of the pods; None: the default.
      paused: starts nothing until it is resumed.
    """

    name: str
    cron: Cron
    values: Mapping[str, Value]
    pipeline_root: str | None = None
    service_account: str | None = None
    paused: bool = False

    def parameters(self) -> dict[str, Value]:
        """What every run is given."""
        return {names.AS_OF_PARAMETER: SCHEDULED_TIME, **self.values}


@dataclasses.dataclass(frozen=True)
class Schedule:
    """A recurring run as the server knows it.

    Attributes:
      schedule_id: its id.
      name: as shown.
      cron: six fields; "" where it is no cron schedule.
      enabled: it starts runs.
      parameters: that its runs are given.
      link: to its page.
    """

    schedule_id: str
    name: str
    cron: str
    enabled: bool
    parameters: dict[str, Any]
    link: str


def apply_schedule(
    workspace: Workspace, compiled: CompiledFile, plan: Plan
) -> tuple[Change, Schedule]:
    """Makes the server have this schedule under its name, and no other.

    The new one is created before the old ones are deleted: what is cut off in between
    leaves two, and the next call leaves one.

    Raises:
      InputError, KubeflowServerError: the server refuses something.
    """
    version = workspace.upload(compiled)
    experiment_id = workspace.experiment_id(make=True)
    present = _named(workspace, experiment_id, plan.name)
    same = [each for each in present if _is_same(each, version, plan)]
    kept = same[0] if same else _create(workspace, experiment_id, version, plan)
    others = [each for each in present if each.recurring_run_id != kept.recurring_run_id]
    with speaking(workspace.server):
        for each in others:
            workspace.client.delete_recurring_run(each.recurring_run_id)
    change = Change.REPLACED if others else Change.CREATED
    if same:
        change = Change.UNCHANGED
    return change, _schedule(workspace, kept)


def list_schedules(workspace: Workspace) -> list[Schedule]:
    """All schedules of the experiment.

    Raises:
      InputError: there is no such experiment.
    """
    experiment_id = workspace.experiment_id(make=False)
    found = _recurring_runs(workspace, experiment_id, None)
    return [_schedule(workspace, each) for each in found]


def pause_schedule(workspace: Workspace, name: str) -> list[Schedule]:
    """Lets a schedule start nothing until it is resumed.

    Raises:
      InputError: there is no schedule with that name.
    """
    return _change(workspace, name, workspace.client.disable_recurring_run, enabled=False)


def resume_schedule(workspace: Workspace, name: str) -> list[Schedule]:
    """Lets a paused schedule start runs again; those that were missed stay missed.

    Raises:
      InputError: there is no schedule with that name.
    """
    return _change(workspace, name, workspace.client.enable_recurring_run, enabled=True)


def delete_schedule(workspace: Workspace, name: str) -> list[Schedule]:
    """Removes a schedule; runs that it started stay.

    Raises:
      InputError: there is no schedule with that name.
    """
    return _change(workspace, name, workspace.client.delete_recurring_run, enabled=False)


def _change(
    workspace: Workspace, name: str, call: Callable[[str], object], *, enabled: bool
) -> list[Schedule]:
    """Calls for each recurring run of that name, and says what they are then."""
    found = _require(workspace, name)
    with speaking(workspace.server):
        for each in found:
            call(each.recurring_run_id)
    return [_schedule(workspace, each, enabled=enabled) for each in found]


def _create(workspace: Workspace, experiment_id: str, version: Version, plan: Plan) -> Any:
    with speaking(workspace.server):
        return workspace.client.create_recurring_run(
            experiment_id=experiment_id,
            job_name=plan.name,
            cron_expression=plan.cron.text,
            max_concurrency=MAX_CONCURRENCY,
            no_catchup=True,
            params=plan.parameters(),
            pipeline_id=version.pipeline_id,
            version_id=version.version_id,
            enabled=not plan.paused,
            pipeline_root=plan.pipeline_root,
            service_account=plan.service_account,
        )


def _is_same(run: Any, version: Version, plan: Plan) -> bool:
    reference = run.pipeline_version_reference
    config = run.runtime_config
    account = plan.service_account
    return bool(
        reference
        and reference.pipeline_version_id == version.version_id
        and _cron_of(run) == plan.cron.text
        and run.no_catchup
        and str(run.max_concurrency) == str(MAX_CONCURRENCY)
        and _is_enabled(run) is not plan.paused
        and config
        and (config.parameters or {}) == plan.parameters()
        and (config.pipeline_root or None) == plan.pipeline_root
        # A server that was told none may name its default.
        and (account is None or run.service_account == account)
    )


def _named(workspace: Workspace, experiment_id: str, name: str) -> list[Any]:
    found = _recurring_runs(workspace, experiment_id, named(name))
    return [each for each in found if each.display_name == name]


def _recurring_runs(workspace: Workspace, experiment_id: str, filtered: str | None) -> list[Any]:
    def ask(token: str) -> Any:
        return workspace.client.list_recurring_runs(
            page_token=token, page_size=PAGE_SIZE, experiment_id=experiment_id, filter=filtered
        )

    with speaking(workspace.server):
        return all_pages(ask, lambda page: page.recurring_runs, _MOST)


def _require(workspace: Workspace, name: str) -> list[Any]:
    experiment_id = workspace.experiment_id(make=False)
    found = _named(workspace, experiment_id, name)
    if not found:
        known = sorted(
            {str(each.display_name) for each in _recurring_runs(workspace, experiment_id, None)}
        )
        raise InputError(
            "the schedule must be on the server.",
            where=f"experiment {workspace.experiment}",
            received=repr(name),
            remedy=f"use one of {', '.join(known)}." if known else "create it first.",
        )
    return found


def _schedule(workspace: Workspace, run: Any, *, enabled: bool | None = None) -> Schedule:
    return Schedule(
        schedule_id=str(run.recurring_run_id),
        name=str(run.display_name),
        cron=_cron_of(run),
        enabled=_is_enabled(run) if enabled is None else enabled,
        parameters=dict(run.runtime_config.parameters or {}) if run.runtime_config else {},
        link=workspace.link("recurringrun", str(run.recurring_run_id)),
    )


def _cron_of(run: Any) -> str:
    schedule = run.trigger.cron_schedule if run.trigger else None
    return str(schedule.cron or "") if schedule else ""


def _is_enabled(run: Any) -> bool:
    return str(run.status or run.mode) in _ENABLED
