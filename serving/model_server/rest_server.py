"""The HTTP server of the REST API, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage

from serving.model_server.metrics import Metrics
from serving.model_server.rest_handler import RestHandler
from serving.model_server.rest_paths import API_PATH
from serving.wire.status import Code, StatusError

_JSON: Final = "application/json"
_PLAIN: Final = "text/plain"
_MAX_BODY: Final = (1 << 31) - 1
_NOT_FOUND: Final = (
    "<HTML><HEAD>\n<TITLE>404 Not Found</TITLE>\n</HEAD><BODY>\n<H1>Not Found</H1>\n"
    "</BODY></HTML>\n"
)


class RestServer:
    """Listens, reads whole requests, and hands them to threads.

    Args:
      handler: answers.
      metrics: for Prometheus.
      metrics_path: where it asks; None: nowhere.
      address: to listen at.
      port: to listen at; 0: any that is free.
      threads: requests that are answered at once.

    Attributes:
      port: that it listens at, once started.
    """

    def __init__(
        self,
        handler: RestHandler,
        metrics: Metrics,
        *,
        metrics_path: str | None,
        address: str,
        port: int,
        threads: int,
    ) -> None:
        self._handler = handler
        self._metrics = metrics
        self._metrics_path = metrics_path
        self._address = address
        self.port = port
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="rest")
        self._loop = asyncio.new_event_loop()
        self._runner: web.ServerRunner | None = None
        self._thread = threading.Thread(target=self._run, name="rest", daemon=True)
        self._ready = threading.Event()
        self._failure: OSError | None = None

    def start(self) -> None:
        """Returns when it listens.

        Raises:
          StatusError: the port is taken.
        """
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise StatusError(
                Code.INVALID_ARGUMENT,
                f"Failed to start HTTP Server at {self._address}:{self.port}: {self._failure}",
            ) from self._failure

    def stop(self) -> None:
        """Stops listening, answers what was asked, and ends."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._pool.shutdown()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._listen())
        except OSError as error:
            self._failure = error
        else:
            self._ready.set()
            self._loop.run_forever()
        finally:
            if self._runner is not None:
                self._loop.run_until_complete(self._runner.cleanup())
            self._loop.close()
            self._ready.set()

    async def _listen(self) -> None:
        server = web.Server(self._answer, request_factory=self._make_request)
        self._runner = web.ServerRunner(server)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._address, self.port).start()
        self.port = self._runner.addresses[0][1]

    def _make_request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        return web.BaseRequest(
            message, payload, protocol, writer, task, self._loop, client_max_size=_MAX_BODY
        )

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        path = request.rel_url.raw_path
        if self._metrics_path is not None and path == self._metrics_path:
            return web.Response(text=self._metrics.page(), content_type=_PLAIN)
        if not API_PATH.fullmatch(path):
            return web.Response(status=404, text=_NOT_FOUND, content_type="text/html")
        body = await request.read()
        answered = await asyncio.get_running_loop().run_in_executor(
            self._pool, self._handler.answer, request.method, path, body
        )
        return web.Response(status=answered.status, body=answered.body, content_type=_JSON)
