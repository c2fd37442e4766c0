"""Nothing that was acknowledged is lost, nothing is kept twice, whatever happens."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.errors import InputError
from serving.gateway.event_store import (
    Appended,
    EventConflictError,
    EventStore,
    PostedEvent,
    StoreUnavailableError,
    open_store,
)
from tests.serving.conftest import free_port

ROOT = Path(__file__).resolve().parents[3]
EVENT = PostedEvent("a", "s1", "e1", 100, "opened", 2.5, "Visited")
PLAIN = PostedEvent("b", "s1", "e2", 50)


def postgres_programs() -> Path | None:
    """The folder of PostgreSQL's server programs, which are rarely on the PATH."""
    on_path = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return Path(on_path).parent if on_path else found[-1].parent if found else None


@pytest.fixture(name="postgres_url", scope="module")
def _postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    programs = postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed here: its store is NOT tested")
    folder = tmp_path_factory.mktemp("postgres")
    user, as_user = "postgres", []
    if os.geteuid() == 0:  # the server refuses to run as root
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        shutil.chown(folder, "postgres", "postgres")
        for parent in folder.parents:
            if parent.owner() == "root" and parent.stat().st_mode & 0o001 == 0:
                parent.chmod(parent.stat().st_mode | 0o011)
    data, port = folder / "data", free_port()
    subprocess.run(
        [*as_user, programs / "initdb", "-D", data, "-U", user, "-A", "trust"],
        check=True,
        capture_output=True,
    )
    options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    server = subprocess.Popen(
        [*as_user, programs / "postgres", "-D", data, "-p", str(port), *options],
        stderr=subprocess.DEVNULL,
    )
    url = f"postgresql://{user}@127.0.0.1:{port}/postgres"
    for _ in range(100):
        try:
            open_store(url).close()
            break
        except StoreUnavailableError:
            threading.Event().wait(0.1)
    yield url
    server.send_signal(signal.SIGINT)
    server.wait(30)


@pytest.fixture(name="url", params=["sqlite", "postgresql"])
def _url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'deep' / 'events.sqlite'}"
        return
    url = str(request.getfixturevalue("postgres_url"))
    yield url
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS events")


@pytest.fixture(name="store")
def _store(url: str) -> Iterator[EventStore]:
    store = open_store(url)
    yield store
    store.close()


def test_what_is_appended_is_read_again_in_its_order(store: EventStore) -> None:
    assert store.append([EVENT, PLAIN]) == Appended(2, 0)
    assert store.of_student("s1", 0) == (EVENT, PLAIN)
    assert store.of_student("s1", 100) == (EVENT,)
    assert store.of_student("s1", 101) == ()
    assert store.of_student("s2", 0) == ()
    assert store.students_since(100) == {"s1"}
    assert store.students_since(101) == frozenset()


def test_a_second_post_changes_nothing(store: EventStore) -> None:
    store.append([EVENT])
    assert store.append([EVENT, PLAIN, PLAIN]) == Appended(1, 2)
    assert store.of_student("s1", 0) == (EVENT, PLAIN)


def test_an_id_with_other_content_is_refused_and_nothing_is_kept(store: EventStore) -> None:
    store.append([EVENT])
    other = PostedEvent("a", "s1", "e1", 101)
    with pytest.raises(EventConflictError, match="stands for one event"):
        store.append([PLAIN, other])
    assert store.of_student("s1", 0) == (EVENT,)
    assert store.append([PLAIN]) == Appended(1, 0)


def test_it_is_there_when_opened_again(url: str) -> None:
    first = open_store(url)
    first.append([EVENT])
    first.close()
    second = open_store(url)
    assert second.of_student("s1", 0) == (EVENT,)
    second.close()


def test_threads_that_post_at_once_lose_nothing_and_keep_nothing_twice(
    store: EventStore,
) -> None:
    """Eight threads, each posts its own events and those of its neighbour."""
    added: list[int] = []

    def post(thread: int) -> None:
        for number in range(20):
            pair = [
                PostedEvent(f"{who % 8}-{number}", "s", "e", number) for who in (thread, thread + 1)
            ]
            added.append(store.append(pair).added)

    threads = [threading.Thread(target=post, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(added) == 160
    events = store.of_student("s", 0)
    assert len(events) == len({event.event_id for event in events}) == 160


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 7, 40])
def test_killed_at_any_time_nothing_acknowledged_is_lost(url: str, after: int) -> None:
    begin, acknowledged = 0, -1
    for _ in range(3):
        command = [sys.executable, "-m", "tests.serving.gateway.store_process", url, str(begin)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(after):
                acknowledged = int(process.stdout.readline())
            process.kill()
            for line in process.stdout:  # what it said before it died
                acknowledged = int(line)
        begin = acknowledged + 1
    store = open_store(url)
    kept = {event.event_id for event in store.of_student("s", 0)}
    assert {f"k{n}-{part}" for n in range(begin) for part in (0, 1)} <= kept
    # All of an append or nothing; at most the one in the air was kept without a word.
    assert kept <= {f"k{n}-{part}" for n in range(begin + 1) for part in (0, 1)}
    assert len(kept) % 2 == 0
    store.close()


def test_a_store_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailableError, match="must be there"):
        open_store(f"sqlite:///{tmp_path / 'file' / 'events.sqlite'}")
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"no database" * 100)
    with pytest.raises(StoreUnavailableError, match="not a database"):
        open_store(f"sqlite:///{broken}")
    with pytest.raises(StoreUnavailableError) as error:
        open_store("postgresql://someone:secret@127.0.0.1:1/db")
    assert "secret" not in str(error.value)


def test_another_kind_of_url_is_refused() -> None:
    with pytest.raises(InputError, match="sqlite:///PATH") as error:
        open_store("mysql://someone:secret@host/db")
    assert "secret" not in str(error.value)
