"""`goalpath serve`: the gateway, and a model server beside it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pipeline.pushed_version import model_name, out_option
from pipeline.server_process import ServerProcess
from serving import versions
from serving.model_server.flags import parse_flags
from serving.model_server.run import run_server

if TYPE_CHECKING:
    from serving.gateway.settings import GatewaySettings

TF_SERVING: Final = "tensorflow_model_server"
CONFIG_FILE: Final = "models.config"
POLL_SECONDS: Final = 1
LOCAL_SERVER: Final = (sys.executable, "-m", "serving.model_server")


@click.command("serve")
@out_option
@click.option("--port", type=int, help="Of the gateway.  [default: GOALPATH_PORT, or 8080]")
@click.option("--grpc-port", default=8500, show_default=True, help="Of the model server.")
@click.option("--rest-port", default=8501, show_default=True, help="Of the model server.")
@click.option(
    "--host",
    help="Address of the gateway and the local model server; tensorflow_model_server listens at "
    "all. Other than loopback only with GOALPATH_API_KEYS.  [default: GOALPATH_HOST, or 127.0.0.1]",
)
@click.option("--store-url", help="Of posted events, else GOALPATH_STORE_URL, or SQLite in OUT.")
@click.option("--no-gateway", is_flag=True, help="The model server alone, as is.")
def command(
    *,
    out: Path,
    port: int | None,
    grpc_port: int,
    rest_port: int,
    host: str | None,
    store_url: str | None,
    no_gateway: bool,
) -> None:
    """Answer by student id, with the pushed versions as they come.

    The gateway (docs/gateway.md) answers over HTTP, and a model server beside it answers the
    gateway: tensorflow_model_server where it is on the PATH, else a local server with the same
    interfaces, which is for one machine; production uses the image tensorflow/serving. Ctrl-C
    ends both.
    """
    name = model_name(out)
    version = versions.newest_version(out, name)
    found = shutil.which(TF_SERVING)
    flags = [f"--port={grpc_port}", f"--rest_api_port={rest_port}"]
    by = found or "the local model server"
    click.echo(
        f"Serving {name}, version {version.number}, over gRPC at port {grpc_port} and REST at "
        f"port {rest_port}, by {by}"
    )
    if no_gateway:
        base = versions.serving_dir(out, name).absolute()
        _serve_alone(found, [*flags, f"--model_name={name}", f"--model_base_path={base}"], host)
        return
    from serving.gateway.settings import read_settings  # noqa: PLC0415  for this command alone

    config_file = (out / "gateway" / CONFIG_FILE).absolute()
    settings = read_settings(
        out=out,
        model_name=name,
        host=host,
        port=port,
        store_url=store_url,
        model_server=f"127.0.0.1:{grpc_port}",
        model_config_file=config_file,
    )
    flags += [
        f"--model_config_file={config_file}",
        f"--model_config_file_poll_wait_seconds={POLL_SECONDS}",
        f"--file_system_poll_wait_seconds={POLL_SECONDS}",
        "--allow_version_labels_for_unavailable_models",
    ]
    serve_both([found, *flags] if found else [*LOCAL_SERVER, *flags], settings)


def serve_both(command_line: list[str], settings: GatewaySettings) -> None:
    """Runs the gateway in this process and the model server in another, until the end."""
    from serving.gateway.gateway import open_gateway  # noqa: PLC0415
    from serving.gateway.run import end_on_sigterm, run_app, start_logging  # noqa: PLC0415

    start_logging()
    end_on_sigterm()
    # The gateway writes the configuration that the model server wants to find.
    gateway = open_gateway(settings)
    click.echo(f"Gateway at http://{settings.host}:{settings.port}/api/v1/model")
    server = ServerProcess(command_line)
    try:
        run_app(gateway)
    finally:
        server.stop()


def _serve_alone(found: str | None, flags: list[str], host: str | None) -> None:
    if found is not None:
        os.execv(found, [TF_SERVING, *flags])
    run_server(parse_flags([*flags, f"--bind_address={host or '127.0.0.1'}"]))
