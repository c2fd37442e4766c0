"""A model behind REST."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import urllib3

from serving.client.json_arrays import from_json, to_json
from serving.client.model_client import (
    AVAILABLE,
    DEFAULT_SIGNATURE,
    NEWEST,
    ClientOptions,
    Inputs,
    Prediction,
    VersionStatus,
    WhichVersion,
)
from serving.client.retry import Retrier
from serving.wire.status import HTTP_STATUS, Code
from serving.wire.tensors import KINDS, TensorFormatError, TensorKind, as_tensor

_STATES: Final = {
    "UNKNOWN": 0,
    "START": 10,
    "LOADING": 20,
    "AVAILABLE": AVAILABLE,
    "UNLOADING": 40,
    "END": 50,
}
_BY_NAME: Final[Mapping[str, TensorKind]] = {f"DT_{kind.name.upper()}": kind for kind in KINDS}
# Of several codes with one HTTP status the first counts: 400 is INVALID_ARGUMENT.
_CODES: Final = {HTTP_STATUS[code]: code for code in reversed(Code)} | {500: Code.INTERNAL}


_Answer = dict[str, Any]


class _Output(NamedTuple):
    kind: TensorKind
    rank: int | None


class RestModelClient:
    """A `ModelClient` over REST.

    JSON does not say types, so the outputs' are taken from the model's metadata, asked
    for once for each version and signature.

    Args:
      options: where and how long.
      retrier: other than that of the options.
    """

    def __init__(self, options: ClientOptions, retrier: Retrier | None = None) -> None:
        self._options = options
        self._retrier = retrier or Retrier(options.retry)
        self._pool = urllib3.PoolManager(maxsize=16)
        self._lock = threading.Lock()
        self._outputs: dict[tuple[WhichVersion, str], Mapping[str, _Output]] = {}

    def predict(
        self,
        inputs: Inputs,
        *,
        signature: str = DEFAULT_SIGNATURE,
        outputs: Sequence[str] = (),
        version: WhichVersion = NEWEST,
        timeout_seconds: float | None = None,
    ) -> Prediction:
        """See `ModelClient.predict`; the outputs that are not wanted come all the same.

        Raises:
          ModelServerError: of a kind that says what can be done.
        """
        body = json.dumps({"signature_name": signature, "inputs": self._columns(inputs)})
        limit = self._options.limit(timeout_seconds)
        answer = self._ask("POST", f"{self._path(version)}:predict", limit, body.encode())
        known = self._known_outputs(version, signature, limit)
        given = _by_alias(answer.get("outputs"), known)
        if given is None:  # the newest version is another one by now
            known = self._known_outputs(version, signature, limit, fresh=True)
            given = _by_alias(answer.get("outputs"), known)
        if given is None:
            raise self._options.error(
                Code.INTERNAL, f"outputs are not those of signature {signature}"
            )
        wanted = self._wanted(outputs, known)
        return Prediction(
            {alias: from_json(given[alias], *known[alias]) for alias in wanted}, version.number
        )

    def versions(self, *, timeout_seconds: float | None = None) -> tuple[VersionStatus, ...]:
        """See `ModelClient.versions`.

        Raises:
          ModelServerError: of a kind that says what can be done.
        """
        answer = self._ask("GET", self._path(NEWEST), self._options.limit(timeout_seconds))
        found = [
            VersionStatus(
                int(status["version"]),
                _STATES[status["state"]],
                status["status"]["error_message"],
            )
            for status in answer["model_version_status"]
        ]
        return tuple(sorted(found, key=lambda status: status.version))

    def close(self) -> None:
        """See `ModelClient.close`."""
        self._pool.clear()

    def _columns(self, inputs: Inputs) -> dict[str, object]:
        columns: dict[str, object] = {}
        for alias, values in inputs.items():
            try:
                columns[alias] = to_json(as_tensor(values))
            except TensorFormatError as error:
                raise self._options.error(
                    Code.INVALID_ARGUMENT, f"input {alias}: {error}"
                ) from error
        return columns

    def _wanted(self, outputs: Sequence[str], known: Mapping[str, _Output]) -> Sequence[str]:
        for alias in outputs:
            if alias not in known:
                raise self._options.error(
                    Code.INVALID_ARGUMENT,
                    f"output tensor alias not found in signature: {alias} Outputs expected to be "
                    f"in the set {{{','.join(sorted(known))}}}.",
                )
        return outputs or sorted(known)

    def _known_outputs(
        self, version: WhichVersion, signature: str, limit: float, *, fresh: bool = False
    ) -> Mapping[str, _Output]:
        key = (version, signature)
        with self._lock:
            known = self._outputs.get(key)
        if known is not None and not fresh:
            return known
        answer = self._ask("GET", f"{self._path(version)}/metadata", limit)
        described = answer["metadata"]["signature_def"]["signature_def"][signature]["outputs"]
        known = {
            alias: _Output(_BY_NAME[info["dtype"]], _rank(info["tensor_shape"]))
            for alias, info in described.items()
        }
        with self._lock:
            self._outputs[key] = known
        return known

    def _path(self, version: WhichVersion) -> str:
        path = f"/v1/models/{quote(self._options.model, safe='')}"
        if version.number is not None:
            return f"{path}/versions/{version.number}"
        if version.label is not None:
            return f"{path}/labels/{quote(version.label, safe='')}"
        return path

    def _ask(self, method: str, path: str, limit: float, body: bytes | None = None) -> _Answer:
        url = f"http://{self._options.target}{path}"

        def attempt(left: float) -> _Answer:
            try:
                response = self._pool.request(
                    method,
                    url,
                    body=body,
                    retries=False,
                    timeout=urllib3.Timeout(total=left),
                    headers={"Content-Type": "application/json"},
                )
            except urllib3.exceptions.NewConnectionError as error:  # a kind of timeout, by name
                raise self._options.error(Code.UNAVAILABLE, str(error)) from error
            except urllib3.exceptions.TimeoutError as error:
                raise self._options.error(Code.DEADLINE_EXCEEDED, str(error)) from error
            except urllib3.exceptions.HTTPError as error:
                raise self._options.error(Code.UNAVAILABLE, str(error)) from error
            return self._read(response.status, response.data)

        return self._retrier.call(attempt, limit)

    def _read(self, status: int, data: bytes) -> _Answer:
        try:
            answer = json.loads(data.decode("utf-8", "surrogateescape"))
        except ValueError as error:
            code = _CODES.get(status, Code.UNKNOWN) if status != 200 else Code.DATA_LOSS
            raise self._options.error(code, data[:200].decode("utf-8", "replace")) from error
        if status != 200:
            message = answer.get("error", "") if isinstance(answer, dict) else str(answer)
            raise self._options.error(_CODES.get(status, Code.UNKNOWN), str(message))
        if not isinstance(answer, dict):
            raise self._options.error(Code.DATA_LOSS, "the answer is no JSON object")
        return answer


def _by_alias(given: object, known: Mapping[str, _Output]) -> Mapping[str, object] | None:
    """The outputs by alias; of a single one, the server leaves the alias out."""
    if len(known) == 1:
        return dict.fromkeys(known, given)
    return given if isinstance(given, dict) and given.keys() == known.keys() else None


def _rank(shape: Mapping[str, object]) -> int | None:
    if shape.get("unknown_rank"):
        return None
    dims = shape.get("dim")
    return len(dims) if isinstance(dims, list) else 0
