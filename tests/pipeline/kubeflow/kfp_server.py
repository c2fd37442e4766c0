"""An HTTP server that follows the published definitions of the Kubeflow Pipelines API.

`kfp_server_api` is generated from them. A request that it has no path for, or whose body
has a field or a type that its models do not have, is answered with 404 or 400, and is kept
in `refused`, as is one without the right token. Beyond that the server does what the tests
need of the real one: it keeps experiments, pipelines, versions, runs and recurring runs,
filters by name, and answers in pages.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import email.parser
import email.policy
import inspect
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kfp_server_api
import yaml
from kfp_server_api import api

NOW = dt.datetime(2026, 9, 7, 6, 0, tzinfo=dt.timezone.utc)
_CALL = re.compile(r"call_api\(\s*'(?P<path>[^']+)', '(?P<method>[A-Z]+)'")
_PRIMITIVES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "datetime": (str,),
    "object": (dict, list, str, int, float, bool),
}


@dataclasses.dataclass(frozen=True)
class Request:
    """A request that the server took.

    Attributes:
      method: of HTTP.
      path: without the query.
      query: first value of each key.
      body: JSON; or the file of an upload, as text; None: none.
    """

    method: str
    path: str
    query: dict[str, str]
    body: Any


class RefusedError(Exception):
    """The answer is an error."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


def published_calls() -> set[tuple[str, str]]:
    """All pairs of method and path that the definitions have."""
    sources = (inspect.getsource(getattr(api, name)) for name in dir(api) if name.endswith("_api"))
    return {(m["method"], m["path"]) for source in sources for m in _CALL.finditer(source)}


def faults(value: object, kind: str, where: str = "body") -> list[str]:
    """Where `value` is not of the published type `kind`."""
    if listed := re.fullmatch(r"list\[(.+)\]", kind):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [f for n, v in enumerate(value) for f in faults(v, listed[1], f"{where}[{n}]")]
    if mapped := re.fullmatch(r"dict\(str, (.+)\)", kind):
        if not isinstance(value, dict):
            return [f"{where} is no mapping"]
        return [f for k, v in value.items() for f in faults(v, mapped[1], f"{where}.{k}")]
    if kind in _PRIMITIVES:
        right = isinstance(value, _PRIMITIVES[kind])
        # The client writes int64 as a number where protobuf's JSON has a string; both are taken.
        right = right or (kind == "str" and isinstance(value, int))
        return [] if right else [f"{where} is {value!r}, no {kind}"]
    return _model_faults(value, getattr(kfp_server_api, kind), where)


def _model_faults(value: object, model: Any, where: str) -> list[str]:
    if not model.openapi_types:
        return [] if value in model.allowable_values else [f"{where} is {value!r}"]
    if not isinstance(value, dict):
        return [f"{where} is no {model.__name__}"]
    types = {model.attribute_map[name]: each for name, each in model.openapi_types.items()}
    unknown = [f"{where}.{key} is no field of {model.__name__}" for key in value.keys() - types]
    return unknown + [
        fault
        for key, each in value.items()
        if key in types
        for fault in faults(each, types[key], f"{where}.{key}")
    ]


class Store:
    """What the server knows, and how it answers."""

    def __init__(self, token: str | None = None, page_size: int = 100) -> None:
        self.token = token
        self.page_size = page_size
        self.requests: list[Request] = []
        self.refused: list[tuple[int, str]] = []
        self.failing: RefusedError | None = None
        self.experiments: list[dict[str, Any]] = []
        self.pipelines: list[dict[str, Any]] = []
        self.versions: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.schedules: list[dict[str, Any]] = []
        self.states: list[dict[str, Any]] = []
        self._count = 0
        self._published = published_calls()

    def answer(self, request: Request, token: str) -> dict[str, Any]:
        """The JSON of the answer.

        Raises:
          RefusedError: it is an error.
        """
        if self.failing is not None:
            raise self.failing
        if self.token is not None and token != f"Bearer {self.token}":
            raise RefusedError(401, "token has expired")
        for method, template in sorted(self._published):
            match = re.fullmatch(_pattern(template), request.path)
            handler = HANDLERS.get((method, template))
            if method == request.method and match and handler:
                self.requests.append(request)
                return handler(self, request, match.groupdict())
        raise RefusedError(404, f"no {request.method} {request.path}")

    def sent(self, method: str, path: str) -> list[Request]:
        """The requests to a path, in order."""
        return [r for r in self.requests if (r.method, r.path) == (method, path)]

    def add(self, kind: list[dict[str, Any]], key: str, **fields: Any) -> dict[str, Any]:
        """Keeps a new row with an id."""
        self._count += 1
        row = {key: f"id-{self._count}", "created_at": NOW.isoformat(), **fields}
        kind.append(row)
        return row

    def page(self, name: str, rows: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
        """One page of those rows that pass the filter of the query."""
        for predicate in json.loads(query.get("filter") or "{}").get("predicates", []):
            # By its name or its number: protobuf's JSON takes both for an enum.
            assert predicate["operation"] in ("EQUALS", 1), predicate
            assert set(predicate) == {"operation", "key", "stringValue"}
            rows = [row for row in rows if row[predicate["key"]] == predicate["stringValue"]]
        start = int(query.get("page_token") or 0)
        size = min(self.page_size, int(query.get("page_size") or 20))
        more = start + size < len(rows)
        token = {"next_page_token": str(start + size)} if more else {}
        return {name: rows[start : start + size], **token}


Handler = Callable[[Store, Request, dict[str, str]], dict[str, Any]]


def _checked(request: Request, kind: str) -> dict[str, Any]:
    if wrong := faults(request.body, kind):
        raise RefusedError(400, "; ".join(wrong))
    body: dict[str, Any] = request.body
    return body


def _find(rows: list[dict[str, Any]], key: str, value: str) -> dict[str, Any]:
    for row in rows:
        if row[key] == value:
            return row
    raise RefusedError(404, f"{value} not found")


def _create(kind: str, rows: str, key: str) -> Handler:
    def handler(store: Store, request: Request, _: dict[str, str]) -> dict[str, Any]:
        return store.add(getattr(store, rows), key, **_checked(request, kind))

    return handler


def _list(rows: str, of: tuple[str, str] | None = None) -> Handler:
    def handler(store: Store, request: Request, path: dict[str, str]) -> dict[str, Any]:
        found = getattr(store, rows)
        if of is not None:
            wanted = path.get(of[0]) or request.query.get(of[0])
            found = [row for row in found if row[of[1]] == wanted]
        if request.query.get("sort_by") == "created_at desc":
            found = sorted(found, key=lambda row: row["created_at"], reverse=True)
        return store.page(_PLURAL[rows], found, request.query)

    return handler


_PLURAL = {
    "experiments": "experiments",
    "pipelines": "pipelines",
    "versions": "pipeline_versions",
    "runs": "runs",
    "schedules": "recurringRuns",
}


def _upload(store: Store, request: Request, _: dict[str, str]) -> dict[str, Any]:
    spec = next(yaml.safe_load_all(request.body))
    if spec.get("schemaVersion") != "2.1.0":
        raise RefusedError(400, f"schema version {spec.get('schemaVersion')} is not supported")
    _find(store.pipelines, "pipeline_id", request.query["pipelineid"])
    return store.add(
        store.versions,
        "pipeline_version_id",
        pipeline_id=request.query["pipelineid"],
        display_name=request.query["name"],
    )


def _start(store: Store, request: Request, _: dict[str, str]) -> dict[str, Any]:
    body = _checked(request, "V2beta1Run")
    reference = body["pipeline_version_reference"]
    _find(store.versions, "pipeline_version_id", reference["pipeline_version_id"])
    return store.add(store.runs, "run_id", **body)


def _get_run(store: Store, _: Request, path: dict[str, str]) -> dict[str, Any]:
    run = _find(store.runs, "run_id", path["run_id"])
    if store.states:
        run.update(store.states.pop(0))
    return run


def _schedule(store: Store, request: Request, _: dict[str, str]) -> dict[str, Any]:
    body = _checked(request, "V2beta1RecurringRun")
    on = body["mode"] == "ENABLE"
    status = "ENABLED" if on else "DISABLED"
    return store.add(store.schedules, "recurring_run_id", **body, status=status)


def _switch(status: str) -> Handler:
    def handler(store: Store, _: Request, path: dict[str, str]) -> dict[str, Any]:
        _find(store.schedules, "recurring_run_id", path["recurring_run_id"])["status"] = status
        return {}

    return handler


def _delete(store: Store, _: Request, path: dict[str, str]) -> dict[str, Any]:
    found = _find(store.schedules, "recurring_run_id", path["recurring_run_id"])
    store.schedules.remove(found)
    return {}


_BASE = "/apis/v2beta1"
HANDLERS: dict[tuple[str, str], Handler] = {
    ("GET", f"{_BASE}/healthz"): lambda *_: {"multi_user": False},
    ("GET", f"{_BASE}/experiments"): _list("experiments"),
    ("POST", f"{_BASE}/experiments"): _create("V2beta1Experiment", "experiments", "experiment_id"),
    ("GET", f"{_BASE}/pipelines"): _list("pipelines"),
    ("POST", f"{_BASE}/pipelines"): _create("V2beta1Pipeline", "pipelines", "pipeline_id"),
    ("GET", f"{_BASE}/pipelines/{{pipeline_id}}/versions"): _list(
        "versions", ("pipeline_id", "pipeline_id")
    ),
    ("POST", f"{_BASE}/pipelines/upload_version"): _upload,
    ("GET", f"{_BASE}/runs"): _list("runs", ("experiment_id", "experiment_id")),
    ("POST", f"{_BASE}/runs"): _start,
    ("GET", f"{_BASE}/runs/{{run_id}}"): _get_run,
    ("GET", f"{_BASE}/recurringruns"): _list("schedules", ("experiment_id", "experiment_id")),
    ("POST", f"{_BASE}/recurringruns"): _schedule,
    ("POST", f"{_BASE}/recurringruns/{{recurring_run_id}}:enable"): _switch("ENABLED"),
    ("POST", f"{_BASE}/recurringruns/{{recurring_run_id}}:disable"): _switch("DISABLED"),
    ("DELETE", f"{_BASE}/recurringruns/{{recurring_run_id}}"): _delete,
}


def _pattern(template: str) -> str:
    return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/:]+)", re.escape(template))


@contextmanager
def serving(store: Store) -> Iterator[str]:
    """The address of a server that answers out of `store`, while it lasts."""

    class Http(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            body = _parse(self.rfile.read(length), self.headers.get("Content-Type") or "")
            request = Request(self.command, url.path, query, body)
            try:
                answer = store.answer(request, self.headers.get("Authorization") or "")
                self._send(200, json.dumps(answer).encode(), "application/json")
            except RefusedError as refusal:
                store.refused.append((refusal.code, refusal.reason))
                content = refusal.reason
                if not content.startswith("<"):
                    content = json.dumps({"error_message": content, "code": 3})
                self._send(refusal.code, content.encode(), "text/html")

        def _send(self, code: int, content: bytes, kind: str) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

        do_GET = do_POST = do_DELETE = _respond  # noqa: N815  the names that http.server calls

    server = ThreadingHTTPServer(("127.0.0.1", 0), Http)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _parse(content: bytes, kind: str) -> Any:
    if not content:
        return None
    if kind.startswith("multipart/form-data"):
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
            b"Content-Type: " + kind.encode() + b"\r\n\r\n" + content
        )
        (part,) = message.iter_parts()
        assert part.get_param("name", header="content-disposition") == "uploadfile"
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        return payload.decode()
    return json.loads(content)
