"""The container's process from outside: exit code, standard error, termination log, files.

TFX's part is replaced by a function that does to the message what an executor would; the
whole is run with TFX in tests/e2e/kubeflow.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.kubeflow import entrypoint, node_failure
from schemas.errors import DataError

Act = Callable[[dict[str, Any]], None]


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(entrypoint.ROOT_VARIABLE, str(tmp_path / "root"))
    monkeypatch.setenv(entrypoint.TERMINATION_VARIABLE, str(tmp_path / "termination-log"))
    (tmp_path / "termination-log").touch()


def _message(tmp_path: Path) -> dict[str, Any]:
    uri = "minio://bucket/run/ModelPusher/pushed_model"
    pushed = {"name": "1", "uri": uri, "type": {"schemaTitle": "tfx.PushedModel"}, "metadata": {}}
    return {
        "inputs": {"parameterValues": {"serving_dir": str(tmp_path / "serving")}},
        "outputs": {
            "artifacts": {"pushed_model": {"artifacts": [pushed]}},
            "outputFile": str(tmp_path / "outputs" / "output_metadata.json"),
        },
    }


def _run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, act: Act, *flags: str
) -> tuple[int, list[str]]:
    beam: list[str] = []

    def execute(executor: str, message: dict[str, Any], spec: str, beam_args: list[str]) -> None:
        assert executor == "components.model_pusher.executor.Executor"
        assert json.loads(spec) == {}
        beam.extend(beam_args)
        act(message)

    monkeypatch.setattr(entrypoint, "_execute", execute)
    code = entrypoint.main(
        [
            "--executor_class_path",
            "components.model_pusher.executor.Executor",
            "--json_serialized_invocation_args",
            json.dumps(_message(tmp_path)),
            "--json_serialized_inputs_spec_args",
            "{}",
            *flags,
        ]
    )
    return code, beam


def _report(pushed: float) -> Act:
    def act(message: dict[str, Any]) -> None:
        artifact = dict(message["outputs"]["artifacts"]["pushed_model"]["artifacts"][0])
        Path(artifact["uri"]).mkdir()
        artifact["metadata"] = {"pushed": pushed}
        output = {"artifacts": {"pushed_model": {"artifacts": [artifact]}}}
        target = Path(message["outputs"]["outputFile"])
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(output))

    return act


def _raise(error: BaseException) -> Act:
    def act(_: dict[str, Any]) -> None:
        raise error

    return act


def _reason(tmp_path: Path) -> str:
    return (tmp_path / "termination-log").read_text()


def test_done_is_0_and_reports_addresses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, beam = _run(monkeypatch, tmp_path, _report(1.0), "--runner=FnApiRunner", "-x")
    assert code == 0
    assert beam == ["--runner=FnApiRunner", "-x"]
    output = json.loads((tmp_path / "outputs" / "output_metadata.json").read_text())
    reported = output["artifacts"]["pushed_model"]["artifacts"][0]
    assert reported["uri"] == "minio://bucket/run/ModelPusher/pushed_model"
    assert (tmp_path / "root/minio/bucket/run/ModelPusher/pushed_model").is_dir()
    assert _reason(tmp_path) == ""


def test_a_model_that_is_not_pushed_is_3_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, tmp_path, _report(0.0))[0] == 0
    assert _run(monkeypatch, tmp_path, _report(0.0), "--fail_when_not_pushed")[0] == 3
    assert _run(monkeypatch, tmp_path, _report(1.0), "--fail_when_not_pushed")[0] == 0
    assert "the model must be blessed to be pushed." in capsys.readouterr().err
    assert "What was served before still is." in _reason(tmp_path)


def test_bad_input_is_2_with_its_message_in_both_places(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrapped = RuntimeError("while running")
    wrapped.__cause__ = DataError("the rule.", where="events", received="x", remedy="mend it.")
    assert _run(monkeypatch, tmp_path, _raise(wrapped))[0] == 2
    said = "error:    the rule.\nwhere:    model_pusher: events\nreceived: x\nremedy:   mend it."
    assert _reason(tmp_path) == said
    err = capsys.readouterr().err
    assert err.endswith(said + "\n")
    assert "Traceback" in err


def test_an_error_that_beam_tells_as_text_is_known_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = RuntimeError("Traceback\nschemas.errors.DataError: a: no rows [while running 'Read']")
    assert _run(monkeypatch, tmp_path, _raise(told))[0] == 2
    assert _reason(tmp_path).startswith("error:    a: no rows\nwhere:    model_pusher")


def test_any_other_error_is_1_and_says_its_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert _run(monkeypatch, tmp_path, _raise(KeyError("span")))[0] == 1
    assert _reason(tmp_path).startswith("error:    the node failed with KeyError: 'span'\n")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        RuntimeError("ResourceExhaustedError: /goalpath/x; No space left on device"),
    ],
)
def test_a_full_volume_is_named_with_what_is_free(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    usage = type("Usage", (), {})

    def free_of(path: Path) -> object:
        found = usage()
        found.free = 4096 if "serving" in str(path) else 1 << 40
        return found

    (tmp_path / "serving").mkdir()
    monkeypatch.setattr(node_failure.shutil, "disk_usage", free_of)
    assert _run(monkeypatch, tmp_path, _raise(error))[0] == 1
    lines = _reason(tmp_path).splitlines()
    assert lines[0] == "error:    the disk is full."
    assert lines[2] == f"received: {tmp_path}/serving: 4,096 bytes free"


def test_what_a_killed_attempt_left_is_gone_before_the_next_begins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    left = tmp_path / "root/minio/bucket/run/ModelPusher/pushed_model"
    left.mkdir(parents=True)
    (left / "half").write_text("x")
    output = tmp_path / "outputs" / "output_metadata.json"
    output.parent.mkdir()
    output.write_text('{"parameterValues": {"serving_dir": "/elsewhere"}}')

    def look(message: dict[str, Any]) -> None:
        assert not left.exists()
        assert not output.exists()
        _report(1.0)(message)

    assert _run(monkeypatch, tmp_path, look)[0] == 0


def test_without_a_home_libraries_get_the_temporary_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import tempfile

    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    _run(monkeypatch, tmp_path, _report(1.0))
    assert os.environ["HOME"] == tempfile.gettempdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    _run(monkeypatch, tmp_path, _report(1.0))
    assert os.environ["HOME"] == str(tmp_path)


def test_a_long_reason_is_cut_to_what_kubernetes_keeps(tmp_path: Path) -> None:
    path = tmp_path / "log"
    node_failure.write_termination_log("ä" * 5000, path)
    assert not path.exists()  # where Kubernetes made no file there is none
    path.touch()
    node_failure.write_termination_log("ä" * 5000, path)
    assert path.stat().st_size == 4096


def test_input_that_is_no_json_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--executor_class_path", "a.b.C", "--json_serialized_invocation_args", "{{$}}"]
    assert entrypoint.main(arguments) == 1
    assert "JSONDecodeError" in _reason(tmp_path)
