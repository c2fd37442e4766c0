"""`goalpath kubeflow`: compile, run and schedule on Kubeflow Pipelines."""

from __future__ import annotations

import click

from pipeline.commands import kubeflow_compile, kubeflow_run, kubeflow_schedule, kubeflow_status


@click.group("kubeflow")
def command() -> None:
    """Compile, run or schedule on Kubeflow.

    docs/kubeflow.md leads from a run on this machine to a schedule there.
    """


for each in (kubeflow_compile, kubeflow_run, kubeflow_status, kubeflow_schedule):
    command.add_command(each.command)
