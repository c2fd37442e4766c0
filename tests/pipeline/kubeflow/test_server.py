"""`goalpath kubeflow run`, `status` and `schedule` against a server."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.commands import kubeflow_run
from tests.pipeline.kubeflow.golden import GOLDEN
from tests.pipeline.kubeflow.kfp_server import (
    HANDLERS,
    RefusedError,
    Store,
    published_calls,
    serving,
)

BASE = "/apis/v2beta1"
DIGEST = hashlib.sha256(GOLDEN.read_bytes()).hexdigest()[:12]
WHEN = "[[ScheduledTime.2006-01-02T15:04:05Z07:00]]"
MONDAYS = "0 0 6 * * 1"
SETTINGS = """
image: example/goalpath:0.1.0
data_dir: /goalpath/data
output_dir: /goalpath/out
volumes: [{claim: goalpath, mount_path: /goalpath}]
pipeline_root: s3://artifacts/goalpath
server: {endpoint: ENDPOINT, namespace: recruiting, experiment: weekly, service_account: runner}
"""


@pytest.fixture(name="store")
def _store() -> Store:
    return Store()


@pytest.fixture(name="endpoint")
def _endpoint(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    monkeypatch.delenv("GOALPATH_KUBEFLOW_TOKEN", raising=False)
    monkeypatch.setattr(kubeflow_run, "_POLL_SECONDS", 0)
    with serving(store) as address:
        yield address


def _run(endpoint: str, *arguments: str, pipeline: Path = GOLDEN) -> int:
    return main(
        ["kubeflow", "run", "--pipeline", str(pipeline), "--endpoint", endpoint, *arguments]
    )


def _apply(endpoint: str, *arguments: str, cron: str = MONDAYS) -> int:
    given = ["--pipeline", str(GOLDEN), "--endpoint", endpoint, "--cron", cron, *arguments]
    return main(["kubeflow", "schedule", "apply", "mondays", *given])


def _change(endpoint: str, verb: str, name: str = "mondays") -> int:
    return main(["kubeflow", "schedule", verb, name, "--endpoint", endpoint])


def test_the_server_of_the_tests_has_only_published_calls() -> None:
    assert set(HANDLERS) <= published_calls()


def test_a_run_is_uploaded_and_started(
    store: Store, endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--name", "first", "--param", "as_of=2026-09-01", "--param", "window_days=365")
    assert _run(endpoint, *given) == 0
    (experiment,) = store.sent("POST", f"{BASE}/experiments")
    assert experiment.body["display_name"] == "goalpath"
    (pipeline,) = store.sent("POST", f"{BASE}/pipelines")
    assert pipeline.body == {"display_name": "goalpath-golden"}
    (upload,) = store.sent("POST", f"{BASE}/pipelines/upload_version")
    assert upload.body == GOLDEN.read_text()
    pipeline_id = store.pipelines[0]["pipeline_id"]
    assert upload.query == {"name": DIGEST, "pipelineid": pipeline_id}
    (run,) = store.sent("POST", f"{BASE}/runs")
    assert run.body == {
        "display_name": "first",
        "experiment_id": store.experiments[0]["experiment_id"],
        "pipeline_version_reference": {
            "pipeline_id": pipeline_id,
            "pipeline_version_id": store.versions[0]["pipeline_version_id"],
        },
        "runtime_config": {"parameters": {"as_of": "2026-09-01", "window_days": 365}},
    }
    run_id = store.runs[0]["run_id"]
    assert capsys.readouterr().out == f"Started first: {endpoint}/#/runs/details/{run_id}\n"
    assert store.refused == []


def test_what_is_on_the_server_is_not_sent_again(store: Store, endpoint: str) -> None:
    assert _run(endpoint) == _run(endpoint) == 0
    for path in ("experiments", "pipelines", "pipelines/upload_version"):
        assert len(store.sent("POST", f"{BASE}/{path}")) == 1, path
    first, second = store.sent("POST", f"{BASE}/runs")
    assert first.body["pipeline_version_reference"] == second.body["pipeline_version_reference"]


def test_another_content_is_another_version(store: Store, endpoint: str, tmp_path: Path) -> None:
    changed = tmp_path / "other.yaml"
    changed.write_text(GOLDEN.read_text().replace("example/goalpath:0.1.0", "example/g:0.2.0"))
    assert _run(endpoint) == _run(endpoint, pipeline=changed) == 0
    assert len(store.pipelines) == 1
    assert len({version["display_name"] for version in store.versions}) == 2


def test_settings_name_the_server_and_its_user(store: Store, endpoint: str, tmp_path: Path) -> None:
    settings = tmp_path / "kubeflow.yaml"
    settings.write_text(SETTINGS.replace("ENDPOINT", f"{endpoint}/"))
    token = tmp_path / "token"
    token.write_text("secret\n")
    store.token = "secret"
    arguments = ["--settings", str(settings), "--token-file", str(token)]
    assert main(["kubeflow", "run", "--pipeline", str(GOLDEN), *arguments]) == 0
    assert store.experiments[0]["display_name"] == "weekly"
    assert store.experiments[0]["namespace"] == "recruiting"
    assert store.pipelines[0]["namespace"] == "recruiting"
    (run,) = store.sent("POST", f"{BASE}/runs")
    assert run.body["service_account"] == "runner"
    assert run.body["runtime_config"]["pipeline_root"] == "s3://artifacts/goalpath"
    assert store.refused == []


@pytest.mark.parametrize(
    "case",
    [
        ({"state": "SUCCEEDED"}, 0, "SUCCEEDED"),
        ({"state": "CANCELED"}, 1, "CANCELED"),
        (
            {"state": "FAILED", "run_details": {"task_details": []}},
            1,
            "FAILED",
        ),
        (
            {
                "state": "FAILED",
                "run_details": {
                    "task_details": [
                        {"display_name": "root", "state": "FAILED"},
                        {"display_name": "Evaluator", "state": "SUCCEEDED"},
                        {
                            "display_name": "ModelPusher",
                            "state": "FAILED",
                            "error": {"code": 2, "message": "main: Error (exit code 3)"},
                        },
                    ]
                },
            },
            3,
            "FAILED in ModelPusher: main: Error (exit code 3)",
        ),
        (
            {
                "state": "FAILED",
                "error": {"code": 2, "message": "OOMKilled (exit code 137)"},
                "run_details": {"task_details": [{"display_name": "Trainer", "state": "FAILED"}]},
            },
            1,
            "FAILED in Trainer: OOMKilled (exit code 137)",
        ),
    ],
    ids=["succeeded", "cancelled", "failed", "not blessed", "killed"],
)
def test_waiting_ends_with_the_run(
    store: Store,
    endpoint: str,
    capsys: pytest.CaptureFixture[str],
    case: tuple[dict[str, Any], int, str],
) -> None:
    last, code, said = case
    store.states = [{}, {"state": "RUNNING"}, {"state": "RUNNING"}, last]
    assert _run(endpoint, "--wait") == code
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1] == said
    assert captured.err.splitlines() == ["PENDING", "RUNNING", last["state"]]
    assert store.states == []


def test_status_shows_the_newest_first_over_pages(
    store: Store, endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store.page_size = 2
    for day in range(1, 6):
        _run(endpoint, "--name", f"run {day}")
        store.runs[-1].update(
            created_at=f"2026-09-0{day}T06:00:00Z",
            finished_at=f"2026-09-0{day}T07:30:00Z",
            state="SUCCEEDED",
        )
    store.runs[-1].update(state="RUNNING", recurring_run_id="r-1")
    capsys.readouterr()
    assert main(["kubeflow", "status", "--endpoint", endpoint, "--last", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2026-09-05 06:00           run 5 (schedule)  RUNNING"
    assert lines[1] == f"    {endpoint}/#/runs/details/{store.runs[-1]['run_id']}"
    assert lines[2] == "2026-09-04 06:00   90 min  run 4  SUCCEEDED"
    assert lines[4].startswith("2026-09-03")
    assert len(lines) == 6


def test_status_of_nothing_says_so(
    store: Store, endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["kubeflow", "status", "--endpoint", endpoint]) == 2
    assert "the experiment must be on the server" in capsys.readouterr().err
    store.add(store.experiments, "experiment_id", display_name="goalpath")
    assert main(["kubeflow", "status", "--endpoint", endpoint]) == 0
    assert capsys.readouterr().out == "No run of goalpath yet.\n"


def test_a_schedule_is_created(
    store: Store, endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _apply(endpoint, "--param", "window_days=730") == 0
    (created,) = store.sent("POST", f"{BASE}/recurringruns")
    assert created.body == {
        "display_name": "mondays",
        "experiment_id": store.experiments[0]["experiment_id"],
        "mode": "ENABLE",
        "no_catchup": True,
        "max_concurrency": 1,
        "pipeline_version_reference": {
            "pipeline_id": store.pipelines[0]["pipeline_id"],
            "pipeline_version_id": store.versions[0]["pipeline_version_id"],
        },
        "runtime_config": {"parameters": {"as_of": WHEN, "window_days": 730}},
        "trigger": {"cron_schedule": {"cron": MONDAYS}},
    }
    out = capsys.readouterr().out
    assert out.startswith(f"created: mondays  active  '{MONDAYS}'  as_of={WHEN}, window_days=730\n")
    assert f"{endpoint}/#/recurringrun/details/{store.schedules[0]['recurring_run_id']}" in out
    assert store.refused == []


def test_the_same_schedule_once_more_changes_nothing(
    store: Store, endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _apply(endpoint)
    before = list(store.schedules)
    assert _apply(endpoint, cron="0  0 6 *  * 1") == 0
    assert store.schedules == before
    assert len(store.sent("POST", f"{BASE}/recurringruns")) == 1
    assert capsys.readouterr().out.splitlines()[-3].startswith("unchanged: mondays")


@pytest.mark.parametrize(
    ("arguments", "cron"),
    [((), "0 0 7 * * 1"), (("--param", "window_days=1"), MONDAYS), (("--paused",), MONDAYS)],
    ids=["cron", "parameters", "paused"],
)
def test_another_one_takes_its_place(
    store: Store, endpoint: str, arguments: tuple[str, ...], cron: str
) -> None:
    _apply(endpoint)
    old = store.schedules[0]["recurring_run_id"]
    assert _apply(endpoint, *arguments, cron=cron) == 0
    (left,) = store.schedules
    assert left["recurring_run_id"] != old
    assert left["trigger"]["cron_schedule"]["cron"] == cron
    assert left["status"] == ("DISABLED" if "--paused" in arguments else "ENABLED")
    verbs = [(r.method, r.path) for r in store.requests if "recurringruns" in r.path]
    # The new one is there before the old one goes.
    assert verbs[-2:] == [
        ("POST", f"{BASE}/recurringruns"),
        ("DELETE", f"{BASE}/recurringruns/{old}"),
    ]


def test_two_that_a_cut_off_call_left_become_one(store: Store, endpoint: str) -> None:
    _apply(endpoint)
    _apply(endpoint, cron="0 0 7 * * 1")
    twin = {**store.schedules[0], "recurring_run_id": "left-over"}
    store.schedules.append(twin)
    foreign = {**store.schedules[0], "recurring_run_id": "another", "display_name": "tuesdays"}
    store.schedules.append(foreign)
    assert _apply(endpoint, cron="0 0 7 * * 1") == 0
    assert [each["display_name"] for each in store.schedules] == ["mondays", "tuesdays"]


def test_a_schedule_is_paused_resumed_listed_and_deleted(
    store: Store, endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store.page_size = 1
    _apply(endpoint)
    _apply_other = ["--pipeline", str(GOLDEN), "--endpoint", endpoint, "--cron", MONDAYS]
    assert main(["kubeflow", "schedule", "apply", "second", *_apply_other, "--paused"]) == 0
    identity = store.schedules[0]["recurring_run_id"]
    capsys.readouterr()
    assert _change(endpoint, "pause") == 0
    assert store.schedules[0]["status"] == "DISABLED"
    assert main(["kubeflow", "schedule", "list", "--endpoint", endpoint]) == 0
    out = capsys.readouterr().out
    assert "paused: mondays" in out
    assert f"mondays  paused  '{MONDAYS}'" in out
    assert f"second  paused  '{MONDAYS}'" in out
    assert _change(endpoint, "resume") == 0
    assert store.schedules[0]["status"] == "ENABLED"
    assert _change(endpoint, "delete") == 0
    assert [each["display_name"] for each in store.schedules] == ["second"]
    assert {(r.method, r.path) for r in store.requests if identity in r.path} == {
        ("POST", f"{BASE}/recurringruns/{identity}:disable"),
        ("POST", f"{BASE}/recurringruns/{identity}:enable"),
        ("DELETE", f"{BASE}/recurringruns/{identity}"),
    }


@pytest.mark.parametrize("verb", ["pause", "resume", "delete"])
def test_a_schedule_that_is_not_there_is_named_with_those_that_are(
    endpoint: str, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    _apply(endpoint)
    assert _change(endpoint, verb, "monday") == 2
    err = capsys.readouterr().err
    assert "received: 'monday'" in err
    assert "use one of mondays." in err


def test_a_wrong_cron_is_refused_before_anything_is_sent(
    store: Store, endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _apply(endpoint, cron="0 6 * * 1") == 2
    err = capsys.readouterr().err
    assert "a schedule must have six fields, seconds first" in err
    assert "received: 5 fields" in err
    assert store.requests == []


@pytest.mark.parametrize(
    ("param", "said"),
    [
        ("window=7", "use one of as_of, data_dir, max_bad_rows, serving_dir"),
        ("window_days=week", "the parameter must be a whole number, 0 or more"),
        ("window_days=-1", "the parameter must be a whole number, 0 or more"),
        ("window_days=", "the parameter must be a whole number, 0 or more"),
        ("window_days", "a run parameter must be given once, as NAME=VALUE"),
        ("data_dir=", "the parameter must have a value"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_is_sent(
    store: Store, endpoint: str, capsys: pytest.CaptureFixture[str], param: str, said: str
) -> None:
    assert _run(endpoint, "--param", param) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert store.requests == []


def test_a_pipeline_with_a_trap_is_refused_before_anything_is_sent(
    store: Store, endpoint: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    old = tmp_path / "old.yaml"
    old.write_text(GOLDEN.read_text().replace("schemaVersion: 2.1.0", "schemaVersion: 2.0.0"))
    assert _run(endpoint, pipeline=old) == 2
    assert "schema-version: schemaVersion: received '2.0.0'" in " ".join(
        capsys.readouterr().err.split()
    )
    assert _run(endpoint, pipeline=tmp_path / "none.yaml") == 2
    assert "No such file or directory" in capsys.readouterr().err
    assert store.requests == []


def test_an_expired_token_is_said(
    store: Store,
    endpoint: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store.token = "new"
    monkeypatch.setenv("GOALPATH_KUBEFLOW_TOKEN", "old")
    assert _run(endpoint) == 2
    err = " ".join(capsys.readouterr().err.split())
    assert "the server must take the token" in err
    assert "received: HTTP 401: token has expired (a token was sent)" in err
    assert "old" not in err.replace("hold", "")
    monkeypatch.setenv("GOALPATH_KUBEFLOW_TOKEN", "new")
    assert _run(endpoint) == 0


def test_a_token_that_expires_in_the_middle_is_said(
    store: Store,
    endpoint: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = store.answer

    def forgetful(request: Any, token: str) -> dict[str, Any]:
        if request.path.endswith("/runs"):
            raise RefusedError(403, "no permission in namespace")
        return real(request, token)

    monkeypatch.setattr(store, "answer", forgetful)
    assert _run(endpoint) == 2
    err = " ".join(capsys.readouterr().err.split())
    assert "received: HTTP 403: no permission in namespace (no token was sent)" in err


def test_an_empty_token_file_is_said(
    store: Store, endpoint: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("\n")
    assert _run(endpoint, "--token-file", str(token)) == 2
    assert "the token file must hold a token" in capsys.readouterr().err
    assert _run(endpoint, "--token-file", str(tmp_path / "none")) == 2
    assert "the token file must be readable" in capsys.readouterr().err
    assert store.requests == []


def test_an_endpoint_where_nothing_listens_is_said(
    capsys: pytest.CaptureFixture[str], endpoint: str
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{unused.getsockname()[1]}"
        assert _run(dead) == 2
    err = " ".join(capsys.readouterr().err.split())
    assert f"error: the endpoint must answer. where: {dead}" in err
    assert "Connection refused" in err


@pytest.mark.parametrize("given", ["", "ml-pipeline:8888", "ftp://host"])
def test_an_endpoint_that_is_no_url_is_said(capsys: pytest.CaptureFixture[str], given: str) -> None:
    assert _run(given) == 2
    assert "the server must be named by a URL" in capsys.readouterr().err


def test_a_login_page_is_no_api(
    store: Store, endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store.failing = RefusedError(200, "<html>Please log in</html>")
    assert _run(endpoint) == 2
    assert "the endpoint must be the API of Kubeflow Pipelines" in capsys.readouterr().err


@pytest.mark.parametrize(
    "case",
    [
        (404, 2, "the server must know what was asked for"),
        (400, 2, "the server must accept the request"),
        (409, 2, "the server must accept the request"),
        (500, 1, "the Kubeflow Pipelines server must be well"),
        (503, 1, "the Kubeflow Pipelines server must be well"),
    ],
)
def test_what_the_server_refuses_is_said_in_its_words(
    store: Store,
    endpoint: str,
    capsys: pytest.CaptureFixture[str],
    case: tuple[int, int, str],
) -> None:
    code, exit_code, said = case
    store.failing = RefusedError(code, "the reason of the server")
    assert _run(endpoint) == exit_code
    err = " ".join(capsys.readouterr().err.split())
    assert said in err
    assert f"received: HTTP {code}: the reason of the server" in err
