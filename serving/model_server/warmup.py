"""Sends a version the requests that were saved with it, before it answers others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

import tensorflow as tf
from google.protobuf.message import DecodeError, Message
from tensorflow_serving.apis import prediction_log_pb2

from schemas import names
from serving.model_server.classify import classify
from serving.model_server.multi_inference import multi_inference
from serving.model_server.predict import predict
from serving.model_server.regress import regress
from serving.model_server.servable import Servable
from serving.wire.status import Code, StatusError, invalid_argument

_LOG: Final = logging.getLogger(__name__)

WARMUP_FILE: Final = f"{names.ASSETS_EXTRA}/{names.WARMUP_FILE}"
MAX_RECORDS: Final = 1000

_ANSWERS: Final[dict[str, Callable[[Servable, Message, int | None], Message]]] = {
    "predict_log": predict,
    "classify_log": classify,
    "regress_log": regress,
    "multi_inference_log": multi_inference,
}


def has_warmup(folder: Path) -> bool:
    """Whether a version brings requests to be warmed up with."""
    return (folder / WARMUP_FILE).is_file()


def warm_up(servable: Servable, folder: Path, iterations: int = 1) -> int:
    """Runs the `PredictionLog` records of a version's folder.

    Args:
      servable: to run them.
      folder: of the version.
      iterations: how often each is run.

    Returns:
      How many records there were.

    Raises:
      StatusError: the file is no TFRecord file of such records, has too many, or a
        request failed; the version is not served then.
    """
    path = folder / WARMUP_FILE
    count = 0
    try:
        for record in tf.compat.v1.io.tf_record_iterator(str(path)):
            log = _parsed(record, path)
            for _ in range(iterations):
                _answer(servable, log)
            count += 1
            if count > MAX_RECORDS:
                raise invalid_argument(
                    f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {path}"
                )
    except tf.errors.DataLossError as error:
        raise StatusError(
            Code.DATA_LOSS,
            f"{error.message}. Please verify your warmup data is in TFRecord format.",
        ) from error
    _LOG.info("Finished reading warmup data for model at %s: %d records", path, count)
    return count


def _parsed(record: bytes, path: Path) -> Message:
    try:
        return prediction_log_pb2.PredictionLog.FromString(record)
    except DecodeError as error:
        raise invalid_argument(f"Failed to parse warmup record: {record!r} from {path}") from error


def _answer(servable: Servable, log: Message) -> None:
    kind = log.WhichOneof("log_type")
    if kind is None:
        return
    if kind not in _ANSWERS:
        raise StatusError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind}")
    _ANSWERS[kind](servable, getattr(log, kind).request, None)
