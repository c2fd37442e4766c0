"""`goalpath serve`: a model server for the pushed versions."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

import click

from pipeline.pushed_version import model_name, out_option
from serving import versions
from serving.model_server.flags import parse_flags
from serving.model_server.run import run_server

TF_SERVING: Final = "tensorflow_model_server"


@click.command("serve")
@out_option
@click.option("--grpc-port", default=8500, show_default=True, help="For gRPC.")
@click.option("--rest-port", default=8501, show_default=True, help="For REST.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address of the local server; tensorflow_model_server listens at all.",
)
def command(out: Path, grpc_port: int, rest_port: int, host: str) -> None:
    """Serve the newest pushed version, and each that is pushed later.

    tensorflow_model_server is taken where it is on the PATH. Elsewhere a local server
    with the same gRPC and REST interfaces answers; it is for one machine, production
    uses the image tensorflow/serving. Ctrl-C ends it.
    """
    name = model_name(out)
    version = versions.newest_version(out, name)
    flags = [
        f"--port={grpc_port}",
        f"--rest_api_port={rest_port}",
        f"--model_name={name}",
        f"--model_base_path={versions.serving_dir(out, name).absolute()}",
    ]
    found = shutil.which(TF_SERVING)
    click.echo(
        f"Serving {name}, version {version.number}, over gRPC at port {grpc_port} and REST at "
        f"port {rest_port}, by {found or f'the local model server at {host}'}"
    )
    if found is not None:
        os.execv(found, [TF_SERVING, *flags])
    run_server(parse_flags([*flags, f"--bind_address={host}"]))
