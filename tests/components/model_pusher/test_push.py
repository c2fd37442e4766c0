"""A version is served whole or not at all, whenever the push dies."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from components.model_pusher import push
from components.model_pusher.push import Destination, PushError, push_version
from serving.versions import list_versions, manifest_path, verify_files

MODEL = "goalpath"
NUMBER = 1_700_000_000


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_bundle(folder: Path, graph: bytes = b"graph") -> tuple[Path, tuple[Path, Path]]:
    bundle = folder / "bundle"
    (bundle / "variables").mkdir(parents=True)
    (bundle / "assets.extra").mkdir()
    files = {"saved_model.pb": graph, "variables/variables.data": b"weights"}
    for name, content in files.items():
        (bundle / name).write_bytes(content)
    states = (folder / "states", folder / "vectors")
    for source in states:
        source.mkdir(exist_ok=True)
    (states[0] / "states.parquet").write_bytes(b"rows")
    (states[0] / "histories.parquet").write_bytes(b"histories")
    (states[1] / "vectors.parquet").write_bytes(b"vectors")
    manifest = {
        "version": NUMBER,
        "states": {"sha256": digest(b"rows")},
        "beside_states": {
            "histories.parquet": {"sha256": digest(b"histories")},
            "vectors.parquet": {"sha256": digest(b"vectors")},
        },
        "files": {name: {"sha256": digest(content)} for name, content in files.items()},
    }
    manifest_path(bundle).write_text(json.dumps(manifest))
    return bundle, states


def destination(out: Path) -> Destination:
    return Destination(out / "serving" / MODEL, out / "states")


def served(out: Path) -> list[int]:
    return [version.number for version in list_versions(out, MODEL)]


def test_a_version_is_pushed_with_its_states(tmp_path: Path) -> None:
    bundle, states = make_bundle(tmp_path)
    out = tmp_path / "out"
    assert push_version(bundle, states, destination(out)) == (
        NUMBER,
        out / "serving" / MODEL / str(NUMBER),
    )
    assert served(out) == [NUMBER]
    assert verify_files(out / "serving" / MODEL / str(NUMBER)) == ()
    assert (out / "states" / str(NUMBER) / "states.parquet").read_bytes() == b"rows"
    assert (out / "states" / str(NUMBER) / "histories.parquet").read_bytes() == b"histories"
    assert (out / "states" / str(NUMBER) / "vectors.parquet").read_bytes() == b"vectors"


def test_pushing_the_same_again_changes_nothing(tmp_path: Path) -> None:
    bundle, states = make_bundle(tmp_path)
    out = tmp_path / "out"
    push_version(bundle, states, destination(out))
    before = (out / "serving" / MODEL / str(NUMBER)).stat().st_ino
    push_version(bundle, states, destination(out))
    assert (out / "serving" / MODEL / str(NUMBER)).stat().st_ino == before


def test_another_model_under_the_same_number_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    bundle, states = make_bundle(tmp_path / "one")
    push_version(bundle, states, destination(out))
    other, states = make_bundle(tmp_path / "two", graph=b"other")
    with pytest.raises(PushError, match="never overwritten"):
        push_version(other, states, destination(out))
    served_graph = out / "serving" / MODEL / str(NUMBER) / "saved_model.pb"
    assert served_graph.read_bytes() == b"graph"


@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.data"])
def test_a_bundle_that_changed_since_it_was_made_is_refused(tmp_path: Path, name: str) -> None:
    bundle, states = make_bundle(tmp_path)
    (bundle / name).write_bytes(b"other")
    with pytest.raises(PushError, match=name):
        push_version(bundle, states, destination(tmp_path / "out"))
    assert served(tmp_path / "out") == []
    assert list((tmp_path / "out" / "serving" / MODEL).iterdir()) == []


@pytest.mark.parametrize("name", ["states/states.parquet", "vectors/vectors.parquet"])
def test_states_of_another_run_are_refused(tmp_path: Path, name: str) -> None:
    bundle, states = make_bundle(tmp_path)
    (tmp_path / name).write_bytes(b"other")
    with pytest.raises(PushError, match="student states"):
        push_version(bundle, states, destination(tmp_path / "out"))
    assert served(tmp_path / "out") == []


def test_what_the_manifest_names_and_nobody_made_is_said(tmp_path: Path) -> None:
    bundle, states = make_bundle(tmp_path)
    (tmp_path / "states" / "histories.parquet").unlink()
    with pytest.raises(PushError, match=r"no histories\.parquet"):
        push_version(bundle, states, destination(tmp_path / "out"))
    assert served(tmp_path / "out") == []


def test_a_version_without_all_that_belongs_beside_its_states_is_none(tmp_path: Path) -> None:
    bundle, states = make_bundle(tmp_path)
    out = tmp_path / "out"
    push_version(bundle, states, destination(out))
    (out / "states" / str(NUMBER) / "vectors.parquet").unlink()
    assert served(out) == []


def fail(number: int) -> Callable[..., None]:
    def raise_error(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "some file")

    return raise_error


@pytest.mark.parametrize("step", ["copyfile", "copytree"])
def test_a_full_disk_is_said_with_the_remedy_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    bundle, states = make_bundle(tmp_path)
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(push.shutil, step, fail(errno.ENOSPC))
        with pytest.raises(PushError, match="must have room") as error:
            push_version(bundle, states, destination(out))
    assert "free some space" in error.value.remedy
    assert served(out) == []
    assert list((out / "serving" / MODEL).iterdir()) == []
    push_version(bundle, states, destination(out))
    assert served(out) == [NUMBER]


def test_too_little_room_is_said_before_anything_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, states = make_bundle(tmp_path)
    usage = type(shutil.disk_usage(tmp_path))(total=10, used=9, free=1)
    monkeypatch.setattr(push.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(PushError, match="1 bytes free"):
        push_version(bundle, states, destination(tmp_path / "out"))


def test_another_fault_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, states = make_bundle(tmp_path)
    monkeypatch.setattr(push.shutil, "copytree", fail(errno.EACCES))
    with pytest.raises(PushError, match=r"some file.*Permission denied"):
        push_version(bundle, states, destination(tmp_path / "out"))


KILLED = """
import os, signal, sys
from pathlib import Path
from components.model_pusher import push
real, left = getattr(push, sys.argv[1]), int(sys.argv[2])
def dying(*arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)
setattr(push, sys.argv[1], dying)
bundle, states, vectors, out = map(Path, sys.argv[3:])
push.push_version(bundle, (states, vectors), push.Destination(
    out / "serving" / "goalpath", out / "states"))
"""


@pytest.mark.parametrize(
    ("function", "calls"),
    [("_place_states", 0), ("_rename", 0), ("_place_model", 0), ("_flush", 3), ("_rename", 1)],
)
def test_killed_anywhere_nothing_half_is_served_and_the_next_push_works(
    tmp_path: Path, function: str, calls: int
) -> None:
    bundle, states = make_bundle(tmp_path)
    out = tmp_path / "out"
    arguments = [function, str(calls), str(bundle), *map(str, states), str(out)]
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert served(out) == []
    folder = out / "serving" / MODEL
    assert not [entry for entry in folder.glob("*") if entry.name.isdigit()]
    push_version(bundle, states, destination(out))
    assert served(out) == [NUMBER]
    assert not list(out.rglob(".partial-*"))
