"""Puts the server together: models, gRPC, REST, and the files that are read again."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Final

from google.protobuf.message import Message

from schemas.errors import InputError
from serving.model_server.batching import BatchingOptions, BatchingRunner
from serving.model_server.config_files import read_batching, read_metrics_path, read_model_config
from serving.model_server.core import LabelRules, ServerCore, single_model_config
from serving.model_server.flags import ServerOptions, processors
from serving.model_server.grpc_server import make_grpc_server
from serving.model_server.manager import RetryPolicy, ServableManager, as_status
from serving.model_server.metrics import Metrics
from serving.model_server.rest_handler import RestHandler
from serving.model_server.rest_server import RestServer
from serving.model_server.saved_model import SavedModelSession
from serving.model_server.servable import Runner, Servable, ServableId
from serving.model_server.service import ModelService
from serving.model_server.version_source import VersionSource
from serving.model_server.warmup import has_warmup, warm_up
from serving.wire.status import Code, StatusError

_LOG: Final = logging.getLogger(__name__)
_MICROS: Final = 1_000_000
_GRACE_SECONDS: Final = 5.0


class ServableLoader:
    """Makes a servable of a folder, by the options of the server."""

    def __init__(
        self, options: ServerOptions, batching: BatchingOptions | None, metrics: Metrics
    ) -> None:
        self._options = options
        self._batching = batching
        self._metrics = metrics

    def load(self, servable_id: ServableId, path: Path) -> Servable:
        """Loads and warms up.

        Raises:
          StatusError: it is no SavedModel, or a warm-up request failed.
        """
        session = SavedModelSession(
            path,
            self._options.saved_model_tags.split(","),
            intra_op_threads=self._options.intra_op_threads,
            inter_op_threads=self._options.inter_op_threads,
        )
        servable = Servable(servable_id.name, servable_id.version, session.signatures, session)
        try:
            if self._options.enable_model_warmup:
                self._warm_up(servable, path)
        except BaseException:
            session.close()
            raise
        runner: Runner = session
        if self._batching is not None:
            runner = BatchingRunner(session, self._batching)
        return Servable(servable_id.name, servable_id.version, session.signatures, runner)

    def _warm_up(self, servable: Servable, path: Path) -> None:
        if not has_warmup(path):
            return
        began, status = time.perf_counter(), Code.OK.name
        try:
            warm_up(servable, path, self._options.num_request_iterations_for_warmup or 1)
        except Exception as error:
            status = str(as_status(error))
            raise
        finally:
            micros = (time.perf_counter() - began) * _MICROS
            self._metrics.warmup_latency.add(micros, str(path), status)


class ModelServer:
    """A whole server, made by `ServerOptions`.

    Args:
      options: of the command line.

    Raises:
      InputError: a file that the options name is not what it should be.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        self._metrics = Metrics()
        batching = None
        if options.enable_batching:
            file = options.batching_parameters_file
            batching = read_batching(Path(file) if file else None, processors())
        self._first_config = self._read_config()
        loader = ServableLoader(options, batching, self._metrics)
        retry = RetryPolicy(
            options.max_num_load_retries, options.load_retry_interval_micros / _MICROS
        )
        self._manager = ServableManager(loader.load, retry=retry)
        self._source = VersionSource(self._manager.aspire, options.file_system_poll_wait_seconds)
        rules = LabelRules(options.allow_version_labels_for_unavailable_models)
        self._core = ServerCore(self._manager, self._source, rules)
        self._service = ModelService(self._core, self._metrics)
        self._grpc = make_grpc_server(self._service, options)
        self._rest = self._make_rest() if options.rest_api_port else None
        self._stopped = threading.Event()
        self._config_thread = threading.Thread(target=self._read_again, name="config", daemon=True)

    def start(self) -> None:
        """Loads the models, then listens; returns when it answers.

        Raises:
          StatusError: the configuration is not acceptable, a model did not become
            available, or a port is taken.
        """
        self._manager.start()
        self._source.start()
        self._core.reload_config(self._first_config)
        self._grpc.start()
        _LOG.info("Running gRPC ModelServer at %s:%d", self._address, self._options.port)
        if self._rest is not None:
            self._rest.start()
            _LOG.info("Exporting HTTP/REST API at: %s:%d", self._address, self._rest.port)
        options = self._options
        if options.model_config_file and options.model_config_file_poll_wait_seconds > 0:
            self._config_thread.start()

    def wait(self) -> None:
        """Returns when `stop` was called."""
        self._stopped.wait()

    def stop(self) -> None:
        """Answers what was asked, and ends."""
        self._stopped.set()
        if self._config_thread.is_alive():
            self._config_thread.join()
        self._grpc.stop(_GRACE_SECONDS).wait()
        if self._rest is not None:
            self._rest.stop()
        self._source.stop()
        self._manager.stop()

    @property
    def _address(self) -> str:
        return self._options.bind_address

    def _make_rest(self) -> RestServer:
        file = self._options.monitoring_config_file
        return RestServer(
            RestHandler(self._service, self._options.rest_api_timeout_in_ms),
            self._metrics,
            metrics_path=read_metrics_path(Path(file)) if file else None,
            address=self._address,
            port=self._options.rest_api_port,
            threads=self._options.rest_threads,
        )

    def _read_config(self) -> Message:
        if self._options.model_config_file:
            return read_model_config(Path(self._options.model_config_file))
        return single_model_config(self._options.model_name, self._options.model_base_path)

    def _read_again(self) -> None:
        while not self._stopped.wait(self._options.model_config_file_poll_wait_seconds):
            try:
                self._core.reload_config(self._read_config())
            except (InputError, StatusError) as error:
                _LOG.error("Failed to reload the model server's configuration: %s", error)
