"""The options that name a Kubeflow Pipelines server."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline.kubeflow.connection import Server, read_token
from pipeline.kubeflow.workspace import Workspace
from schemas.errors import InputError
from schemas.kubeflow_config import KubeflowConfig, ServerConfig, load_kubeflow_config

Function = TypeVar("Function", bound=Callable[..., Any])


def server_options(function: Function) -> Function:
    """Adds `--settings`, `--endpoint`, `--experiment`, `--namespace` and `--token-file`."""
    options = (
        click.option(
            "--settings",
            type=click.Path(path_type=Path, dir_okay=False),
            help="kubeflow.yaml, that the pipeline was compiled with: it names the server.",
        ),
        click.option("--endpoint", help="URL of the API. Default: of the settings."),
        click.option("--experiment", help="That runs belong to. Default: of the settings."),
        click.option("--namespace", help="Of the user, where there are many."),
        click.option(
            "--token-file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="File with a bearer token. Default: GOALPATH_KUBEFLOW_TOKEN.",
        ),
    )
    return functools.reduce(lambda made, option: option(made), reversed(options), function)


def pipeline_options(function: Function) -> Function:
    """Adds `--pipeline` and `--param`."""
    options = (
        click.option(
            "--pipeline",
            required=True,
            type=click.Path(path_type=Path, dir_okay=False),
            help="The compiled YAML.",
        ),
        click.option(
            "--param",
            "params",
            multiple=True,
            metavar="NAME=VALUE",
            help="Value of a run parameter; may be given several times.",
        ),
    )
    return functools.reduce(lambda made, option: option(made), reversed(options), function)


def read_settings(settings: Path | None) -> KubeflowConfig | None:
    """The settings; None where no file is named.

    Raises:
      ConfigError: they are wrong.
    """
    return load_kubeflow_config(settings) if settings else None


def open_workspace(
    settings: KubeflowConfig | None,
    *,
    endpoint: str | None,
    experiment: str | None,
    namespace: str | None,
    token_file: Path | None,
) -> Workspace:
    """Connects to the server that options and settings name.

    Raises:
      InputError, KubeflowServerError: see `connection.connect`.
    """
    config = settings.server if settings else ServerConfig()
    address = endpoint or config.endpoint
    if not address or not address.startswith(("http://", "https://")):
        raise InputError(
            "the server must be named by a URL.",
            where="--endpoint",
            received=repr(address) if address else "nothing",
            remedy="pass --endpoint https://HOST/pipeline, or server.endpoint in the settings.",
        )
    server = Server(
        endpoint=address.rstrip("/"),
        token=read_token(token_file),
        namespace=namespace or config.namespace,
        ca_certificate=config.ca_certificate,
    )
    return Workspace(server, experiment or config.experiment)


def parse_pairs(params: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` texts as a mapping.

    Raises:
      InputError: one has no `=`, or a name comes twice.
    """
    found: dict[str, str] = {}
    for text in params:
        name, sign, value = text.partition("=")
        if not sign or not name or name in found:
            raise InputError(
                "a run parameter must be given once, as NAME=VALUE.",
                where="--param",
                received=repr(text),
                remedy="write --param window_days=365, for instance.",
            )
        found[name] = value
    return found
