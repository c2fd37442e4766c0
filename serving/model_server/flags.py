"""The command line of `tensorflow_model_server`, as far as it makes sense here."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Sequence
from typing import Final, NoReturn

from schemas.errors import InputError

_MILLION: Final = 1_000_000
_TRUE: Final = ("true", "t", "1", "yes", "y", "")
_FALSE: Final = ("false", "f", "0", "no", "n")


@dataclasses.dataclass(frozen=True)
class ServerOptions:
    """What the flags say; names and defaults are TF Serving's.

    Attributes:
      bind_address: for gRPC and REST. TF Serving listens everywhere; this server is for
        one machine and listens on its loopback unless told otherwise.
    """

    bind_address: str = "127.0.0.1"
    port: int = 8500
    grpc_socket_path: str = ""
    grpc_max_threads: int = 0
    grpc_channel_arguments: str = ""
    enable_grpc_healthcheck_service: bool = True
    rest_api_port: int = 0
    rest_api_num_threads: int = 0
    rest_api_timeout_in_ms: int = 30_000
    enable_batching: bool = False
    batching_parameters_file: str = ""
    model_config_file: str = ""
    model_config_file_poll_wait_seconds: float = 0.0
    model_name: str = "default"
    model_base_path: str = ""
    max_num_load_retries: int = 5
    load_retry_interval_micros: int = 60 * _MILLION
    file_system_poll_wait_seconds: float = 1.0
    tensorflow_session_parallelism: int = 0
    tensorflow_intra_op_parallelism: int = 0
    tensorflow_inter_op_parallelism: int = 0
    saved_model_tags: str = "serve"
    enable_model_warmup: bool = True
    num_request_iterations_for_warmup: int = 0
    enforce_session_run_timeout: bool = True
    monitoring_config_file: str = ""
    allow_version_labels_for_unavailable_models: bool = False

    @property
    def request_threads(self) -> int:
        """For gRPC; TF Serving's default, by the number of processors."""
        return self.grpc_max_threads or 4 * processors()

    @property
    def rest_threads(self) -> int:
        """For REST; TF Serving's default, by the number of processors."""
        return self.rest_api_num_threads or 4 * processors()

    @property
    def intra_op_threads(self) -> int:
        """For one operation; 0: TensorFlow decides."""
        return self.tensorflow_intra_op_parallelism or self.tensorflow_session_parallelism

    @property
    def inter_op_threads(self) -> int:
        """Operations at once; 0: TensorFlow decides."""
        return self.tensorflow_inter_op_parallelism or self.tensorflow_session_parallelism


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(
            "the flags are those of tensorflow_model_server that docs/serving.md lists.",
            received=message,
            remedy="see `python -m serving.model_server --help`.",
        )


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def parse_flags(arguments: Sequence[str]) -> ServerOptions:
    """The options of a command line.

    Raises:
      InputError: a flag is unknown, a value is none of its kind, or flags contradict.
    """
    parser = _Parser(prog="python -m serving.model_server", allow_abbrev=False)
    for field in dataclasses.fields(ServerOptions):
        flag = f"--{field.name}"
        if isinstance(field.default, bool):
            parser.add_argument(flag, type=_boolean, nargs="?", const=True, default=field.default)
        else:
            parser.add_argument(flag, type=type(field.default), default=field.default)
    options = ServerOptions(**vars(parser.parse_args(list(arguments))))
    _check(options)
    return options


def _boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered not in (*_TRUE, *_FALSE):
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return lowered in _TRUE


def _check(options: ServerOptions) -> None:
    if not options.model_base_path and not options.model_config_file:
        raise InputError(
            "a server needs models.",
            received="neither --model_base_path nor --model_config_file",
            remedy="give one of them.",
        )
    if options.batching_parameters_file and not options.enable_batching:
        raise InputError(
            "batching parameters are for batching.",
            where="--batching_parameters_file",
            remedy="add --enable_batching=true.",
        )
    if options.rest_api_port and options.rest_api_port == options.port:
        raise InputError(
            "gRPC and REST each have a port of their own.",
            where="--rest_api_port",
            received=str(options.rest_api_port),
        )
