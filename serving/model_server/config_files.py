"""Reads the files that flags name: protocol buffers in text format."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from google.protobuf import text_format
from google.protobuf.message import Message
from tensorflow_serving.config import model_server_config_pb2

from schemas.errors import InputError
from serving.model_server.batching import BatchingOptions, batch_threads
from serving.model_server.metrics import DEFAULT_PATH
from serving.wire import messages

_MICROS: Final = 1_000_000


def read_model_config(path: Path) -> Message:
    """A `ModelServerConfig`.

    Raises:
      InputError: there is no such file, or it is none.
    """
    return _read(path, model_server_config_pb2.ModelServerConfig())


def read_metrics_path(path: Path) -> str | None:
    """Where a `MonitoringConfig` wants Prometheus to be answered; None: nowhere.

    Raises:
      InputError: there is no such file, or it is none.
    """
    config = _read(path, messages.MonitoringConfig()).prometheus_config
    return (config.path or DEFAULT_PATH) if config.enable else None


def read_batching(path: Path | None, processors: int) -> BatchingOptions:
    """The options of a `BatchingParameters` file; those of TF Serving without one.

    Raises:
      InputError: there is no such file, it is none, or it asks for what is not covered.
    """
    given = messages.BatchingParameters()
    if path is not None:
        _read(path, given)
    defaults = BatchingOptions()
    most = _value(given, "max_batch_size", defaults.max_batch_size)
    sizes = tuple(given.allowed_batch_sizes)
    if sizes and (list(sizes) != sorted(set(sizes)) or sizes[-1] != most):
        raise InputError(
            "allowed_batch_sizes grow, and the last is max_batch_size.",
            where=str(path),
            received=f"{list(sizes)}, max_batch_size {most}",
        )
    if given.pad_variable_length_inputs:
        raise InputError(
            "this server does not pad inputs of different lengths.",
            where=str(path),
            received="pad_variable_length_inputs: true",
            remedy="leave it out, or use tensorflow_model_server.",
        )
    micros = _value(given, "batch_timeout_micros", 0)
    return BatchingOptions(
        max_batch_size=most,
        batch_timeout_seconds=micros / _MICROS,
        max_enqueued_batches=_value(given, "max_enqueued_batches", defaults.max_enqueued_batches),
        num_threads=_value(given, "num_batch_threads", batch_threads(processors)),
        allowed_sizes=sizes,
    )


def _value(given: Message, name: str, default: int) -> int:
    return int(getattr(given, name).value) if given.HasField(name) else default


def _read(path: Path, message: Message) -> Message:
    try:
        text_format.Parse(path.read_text(encoding="utf-8"), message)
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise InputError(
            f"the file is a {message.DESCRIPTOR.name} in protocol buffer text format.",
            where=str(path),
            received=str(error),
        ) from error
    return message
