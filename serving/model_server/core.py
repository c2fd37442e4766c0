"""What is served: the configuration, its versions and labels, and who answers a request."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from google.protobuf.message import Message
from tensorflow_serving.config import model_server_config_pb2

from serving.model_server.manager import ServableManager
from serving.model_server.servable import Servable, State, VersionState
from serving.model_server.version_policy import ModelSource
from serving.model_server.version_source import VersionSource
from serving.wire.status import Code, StatusError, invalid_argument

PLATFORM: Final = "tensorflow"
_MODEL_LIST: Final = "model_config_list"


@dataclasses.dataclass(frozen=True)
class LabelRules:
    """Whether a label may name a version that is not available (yet).

    Attributes:
      allow_unavailable: it may, unless the label named another version before.
    """

    allow_unavailable: bool = False


def single_model_config(name: str, base_path: str) -> Message:
    """The `ModelServerConfig` of one model."""
    config = model_server_config_pb2.ModelServerConfig()
    config.model_config_list.config.add(name=name, base_path=base_path, model_platform=PLATFORM)
    return config


class ServerCore:
    """Models by configuration.

    Args:
      manager: of servables, started.
      source: of versions, which tells the manager; started.
      labels: rules for version labels.
    """

    def __init__(
        self, manager: ServableManager, source: VersionSource, labels: LabelRules | None = None
    ) -> None:
        self._manager = manager
        self._source = source
        self._label_rules = labels or LabelRules()
        self._config_lock = threading.Lock()
        self._config = model_server_config_pb2.ModelServerConfig()
        self._labels: Mapping[str, Mapping[str, int]] = {}

    def reload_config(self, config: Message) -> None:
        """Takes another `ModelServerConfig`, and returns when its new models answer.

        Raises:
          StatusError: the configuration is not acceptable, or a new model did not become
            available.
        """
        with self._config_lock:
            if config.WhichOneof("config") is None:
                return
            if config.WhichOneof("config") != _MODEL_LIST:
                raise invalid_argument(
                    "ServerModelConfig type not supported by HandleReloadConfigRequest."
                    " Only ModelConfigList is currently supported"
                )
            models = config.model_config_list.config
            _check_models(models)
            _check_platforms_stay(self._config.model_config_list.config, models)
            labels = self._label_map(models)
            known = {model.name for model in self._config.model_config_list.config}
            self._config, self._labels = config, labels
            self._source.set_models([_source_of(model) for model in models])
            self._manager.wait_until_available({model.name for model in models} - known)

    def use(self, model_spec: Message) -> AbstractContextManager[Servable]:
        """The servable that a `ModelSpec` asks for; to be used in a `with`.

        Raises:
          StatusError: nothing is named, the label is unknown, or (on entry) there is no
            such servable.
        """
        name = model_spec.name
        if not name:
            raise invalid_argument("ModelSpec has no name specified.")
        choice = model_spec.WhichOneof("version_choice")
        if choice == "version":
            return self._manager.use(name, model_spec.version.value)
        if choice == "version_label":
            return self._manager.use(name, self._version_of(name, model_spec.version_label))
        return self._manager.use(name, None)

    def states(self, name: str) -> dict[int, VersionState]:
        """The state of each version of a model; empty where there never was one."""
        return self._manager.states(name)

    def model_names(self) -> tuple[str, ...]:
        """The configured models."""
        return tuple(model.name for model in self._config.model_config_list.config)

    def _version_of(self, name: str, label: str) -> int:
        version = self._labels.get(name, {}).get(label)
        if version is None:
            raise invalid_argument("Unrecognized servable version label: ", label)
        return version

    def _label_map(self, models: Iterable[Message]) -> dict[str, dict[str, int]]:
        labels: dict[str, dict[str, int]] = {}
        for model in models:
            states = self._manager.states(model.name)
            for label, version in model.version_labels.items():
                known = self._labels.get(model.name, {}).get(label, version)
                allowed = self._label_rules.allow_unavailable and known == version
                available = version in states and states[version].state is State.AVAILABLE
                if not allowed and not available:
                    raise StatusError(
                        Code.FAILED_PRECONDITION,
                        f"Request to assign label to version {version} of model {model.name}, "
                        "which is not currently available for inference",
                    )
                labels.setdefault(model.name, {})[label] = version
        return labels


def _source_of(model: Message) -> ModelSource:
    return ModelSource(model.name, Path(model.base_path), model.model_version_policy)


def _check_models(models: Iterable[Message]) -> None:
    names: set[str] = set()
    for model in models:
        if model.name in names:
            raise invalid_argument(
                f"Illegal to list model {model.name} multiple times in config list"
            )
        names.add(model.name)
        platform = _platform(model)
        if platform != PLATFORM:
            raise invalid_argument(f"Model {model.name} requests unsupported platform {platform}")


def _check_platforms_stay(old: Iterable[Message], new: Iterable[Message]) -> None:
    before = {model.name: _platform(model) for model in old}
    for model in new:
        was, wanted = before.get(model.name), _platform(model)
        if was is not None and was != wanted:
            raise invalid_argument(
                f"Illegal to change a model's platform. For model {model.name} platform was "
                f"{was} and new platform requested is {wanted}"
            )


def _platform(model: Message) -> str:
    if model.model_type != model_server_config_pb2.MODEL_TYPE_UNSPECIFIED:
        if model.model_platform:
            raise invalid_argument(
                "Illegal setting both ModelServerConfig::model_type (deprecated) "
                "and ModelServerConfig::model_platform."
            )
        if model.model_type == model_server_config_pb2.TENSORFLOW:
            return PLATFORM
        raise invalid_argument(
            f"ModelServerConfig::model_type choice {model.model_type} not supported."
        )
    if not model.model_platform:
        raise invalid_argument(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) "
            "nor ModelServerConfig::model_platform."
        )
    return str(model.model_platform)
