"""Configurations, policies and labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import model_pb2
from tensorflow_serving.config import (
    file_system_storage_path_source_pb2,
    model_server_config_pb2,
)

from serving.model_server.core import LabelRules, ServerCore
from serving.model_server.manager import RetryPolicy, ServableManager
from serving.model_server.servable import State
from serving.model_server.version_policy import ModelSource, find_versions, number_folders
from serving.model_server.version_source import VersionSource
from serving.wire.status import Code, StatusError
from tests.serving.model_server.test_manager import Loads, until

NEVER = 3600.0


@pytest.fixture(name="core")
def _core() -> Iterator[ServerCore]:
    yield from make_core(LabelRules())


def make_core(rules: LabelRules) -> Iterator[ServerCore]:
    manager = ServableManager(Loads(), retry=RetryPolicy(0, 0.0), interval_seconds=0.01)
    manager.start()
    yield ServerCore(manager, VersionSource(manager.aspire, NEVER), rules)
    manager.stop()


def folder(base: Path, *names: str) -> Path:
    for name in names:
        (base / name).mkdir(parents=True)
    return base


def config(text: str) -> model_server_config_pb2.ModelServerConfig:
    made = model_server_config_pb2.ModelServerConfig()
    text_format.Parse(f"model_config_list {{ {text} }}", made)
    return made


def entry(base: Path, more: str = "", name: str = "m", platform: str = "tensorflow") -> str:
    return f'config {{ name: "{name}" base_path: "{base}" model_platform: "{platform}" {more} }}'


def version_of(core: ServerCore, **choice: object) -> int:
    spec = model_pb2.ModelSpec(name="m")
    if "version" in choice:
        spec.version.value = choice["version"]
    if "label" in choice:
        spec.version_label = choice["label"]
    with core.use(spec) as servable:
        return servable.version


def refused(core: ServerCore, text: str) -> StatusError:
    with pytest.raises(StatusError) as caught:
        core.reload_config(config(text))
    return caught.value


def test_names_that_are_numbers_are_versions() -> None:
    names = ["1", "0003", "-2", "x4", "5.0", "tmp", "99999999999999999999", "٣"]
    assert number_folders(names) == {1: "1", 3: "0003", -2: "-2"}


@pytest.mark.parametrize(
    ("policy", "versions"),
    [
        ("", [10]),
        ("latest { num_versions: 2 }", [9, 10]),
        ("latest { num_versions: 9 }", [1, 9, 10]),
        ("all {}", [1, 9, 10]),
        ("specific { versions: 1 versions: 7 }", [1]),
    ],
)
def test_policies(tmp_path: Path, policy: str, versions: list[int]) -> None:
    made = file_system_storage_path_source_pb2.FileSystemStoragePathSourceConfig
    parsed = text_format.Parse(policy, made.ServableVersionPolicy())
    source = ModelSource("m", folder(tmp_path, "1", "9", "10", "note"), parsed)
    assert find_versions(source) == {n: tmp_path / str(n) for n in versions}


def test_a_policy_can_change(core: ServerCore, tmp_path: Path) -> None:
    folder(tmp_path, "1", "2")
    core.reload_config(config(entry(tmp_path)))
    assert version_of(core) == 2
    core.reload_config(config(entry(tmp_path, "model_version_policy { specific { versions: 1 } }")))
    until(lambda: core.states("m").get(1) is not None)
    until(lambda: core.states("m")[1].state is State.AVAILABLE)
    until(lambda: core.states("m")[2].state is State.END)
    assert version_of(core) == 1


def test_a_model_that_is_taken_out_is_unloaded(core: ServerCore, tmp_path: Path) -> None:
    folder(tmp_path, "1")
    core.reload_config(config(entry(tmp_path) + entry(tmp_path, name="n")))
    assert core.model_names() == ("m", "n")
    core.reload_config(config(entry(tmp_path, name="n")))
    until(lambda: core.states("m")[1].state is State.END)
    with pytest.raises(StatusError, match="Servable not found"):
        version_of(core)


def test_labels_are_for_versions_that_answer(core: ServerCore, tmp_path: Path) -> None:
    folder(tmp_path, "1", "2")
    all_of = "model_version_policy { all {} }"
    label = 'version_labels { key: "stable" value: 1 }'
    error = refused(core, entry(tmp_path, all_of + label))
    assert str(error) == (
        "FAILED_PRECONDITION: Request to assign label to version 1 of model m, "
        "which is not currently available for inference"
    )
    core.reload_config(config(entry(tmp_path, all_of)))
    until(lambda: core.states("m").get(1) is not None)
    until(lambda: core.states("m")[1].state is State.AVAILABLE)
    core.reload_config(config(entry(tmp_path, all_of + label)))
    assert version_of(core, label="stable") == 1
    with pytest.raises(StatusError, match="Unrecognized servable version label: other"):
        version_of(core, label="other")


def test_labels_for_versions_to_come(tmp_path: Path) -> None:
    folder(tmp_path, "1")
    label = 'version_labels { key: "stable" value: %d }'
    cores = make_core(LabelRules(allow_unavailable=True))
    core = next(cores)
    core.reload_config(config(entry(tmp_path, label % 1)))
    assert version_of(core, label="stable") == 1
    # The label names version 1 by now, and may move only to one that answers.
    assert refused(core, entry(tmp_path, label % 2)).code is Code.FAILED_PRECONDITION
    assert version_of(core, label="stable") == 1
    cores.close()


def test_configurations_that_are_refused(core: ServerCore, tmp_path: Path) -> None:
    folder(tmp_path, "1")
    twice = refused(core, entry(tmp_path) + entry(tmp_path))
    assert twice.message == "Illegal to list model m multiple times in config list"
    other = refused(core, entry(tmp_path, platform="caffe"))
    assert other.message == "Model m requests unsupported platform caffe"
    none = refused(core, entry(tmp_path, platform=""))
    assert none.message.startswith("Illegal setting neither ModelServerConfig::model_type")
    both = refused(core, entry(tmp_path, "model_type: TENSORFLOW"))
    assert both.message.startswith("Illegal setting both ModelServerConfig::model_type")
    custom = model_server_config_pb2.ModelServerConfig()
    custom.custom_model_config.SetInParent()
    with pytest.raises(StatusError, match="Only ModelConfigList is currently supported"):
        core.reload_config(custom)
    core.reload_config(model_server_config_pb2.ModelServerConfig())  # nothing said, nothing done
    assert core.model_names() == ()


def test_a_model_must_be_named(core: ServerCore) -> None:
    with pytest.raises(StatusError) as caught, core.use(model_pb2.ModelSpec()):
        pass
    assert str(caught.value) == "INVALID_ARGUMENT: ModelSpec has no name specified."


def test_a_folder_that_vanishes_changes_nothing(core: ServerCore, tmp_path: Path) -> None:
    base = folder(tmp_path / "m", "1")
    core.reload_config(config(entry(base)))
    base.rename(tmp_path / "gone")
    core.reload_config(config(entry(base)))
    assert version_of(core) == 1
