"""`goalpath kubeflow`: compile, run and schedule on Kubeflow Pipelines."""

from __future__ import annotations

import click

from pipeline.commands import kubeflow_compile


@click.group("kubeflow")
def command() -> None:
    """Compile, run or schedule on Kubeflow.

    docs/kubeflow.md leads from a run on this machine to a schedule there.
    """


command.add_command(kubeflow_compile.command)
