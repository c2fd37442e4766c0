"""One output folder, killed in node after node and short of room in two of them.

Every run goes on where the last one stopped, so that all of it together is one run.
A version was pushed there before; it has to stay as it is until the next is whole.
"""

from __future__ import annotations

import dataclasses
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pipeline.node_events import Happening
from pipeline.node_ids import (
    CONVERSION_PATTERNS,
    EVALUATOR,
    EVENT_EXAMPLE_GEN,
    EXAMPLE_VALIDATOR,
    GOAL_CALIBRATOR,
    IMPORT_SCHEMA_GEN,
    MODEL_PUSHER,
    MODEL_VALIDATOR,
    NODE_IDS,
    SERVING_BUNDLE,
    STATISTICS_GEN,
    TRAINER,
    TRANSFORM,
)
from pipeline.runner_names import BEAM, LOCAL
from schemas import names
from tests.e2e import small_data
from tests.e2e.conftest import Run
from tests.e2e.forks import Forks
from tests.e2e.kills import PUSHED, VALIDATED
from tests.e2e.runs import (
    MODEL,
    Done,
    Ends,
    last_happenings,
    nodes_that,
    read_summary,
    served,
)
from tests.e2e.small_disk import can_mount, room_for, small_disk

pytestmark = pytest.mark.e2e

# Of two nodes that do not depend on each other Beam may take either first, the local
# runner takes that first which is first in the alphabet.
IN_ORDER = (EVENT_EXAMPLE_GEN, IMPORT_SCHEMA_GEN, EVALUATOR, MODEL_VALIDATOR)
VICTIMS = (
    EVENT_EXAMPLE_GEN,
    IMPORT_SCHEMA_GEN,
    STATISTICS_GEN,
    EXAMPLE_VALIDATOR,
    TRANSFORM,
    TRAINER,
    CONVERSION_PATTERNS,
    GOAL_CALIBRATOR,
    SERVING_BUNDLE,
    EVALUATOR,
    MODEL_VALIDATOR,
    MODEL_PUSHER,
)
# Room for the tables, the log and ML Metadata, but not for Examples or for a version.
ROOM = 1_300_000
FULL = "full disk in "


@dataclasses.dataclass(frozen=True)
class Step:
    """One run that did not come to its end, and what it left.

    Attributes:
      done: the process.
      happenings: what happened to the nodes, in order.
      summary: `run.json`.
      served: version -> what is wrong with it.
      serving: names in the folder that TF Serving watches.
      half: what the unfinished node had written.
    """

    done: Done
    happenings: Ends
    summary: dict[str, Any]
    served: dict[int, list[str]]
    serving: set[str]
    half: list[str]


@dataclasses.dataclass(frozen=True)
class Chain:
    """All runs of one output folder.

    Attributes:
      out: the folder.
      before: the version that was there when it began.
      steps: name of what stopped it -> run, in order.
      last: the run that nothing stopped.
    """

    out: Path
    before: int
    steps: dict[str, Step]
    last: Step


class Runs:
    """Runs in one output folder."""

    def __init__(self, forks: Forks, data: Path, out: Path) -> None:
        self._forks = forks
        self._data = data
        self._out = out

    def run(self, node: str, *, die: bool) -> Step:
        """One run; `node` is the one where it will stop."""
        runner = LOCAL if node in IN_ORDER else BEAM
        done = self._forks.goalpath(
            *("run", "--data", self._data, "--out", self._out, "--runner", runner),
            *("--max-bad-rows", small_data.BAD_ROWS),
            die_in=node if die else "",
        )
        return Step(
            done,
            last_happenings(self._out),
            read_summary(self._out),
            served(self._out),
            {path.name for path in (self._out / "serving" / MODEL).iterdir()},
            [
                path.relative_to(self._out).as_posix()
                for path in (self._out / "pipeline" / node).rglob("*")
                if path.is_file()
            ],
        )


@pytest.fixture(name="may_mount", scope="module")
def _may_mount(tmp_path_factory: pytest.TempPathFactory) -> bool:
    return can_mount(tmp_path_factory.mktemp("probe") / "disk")


@pytest.fixture(name="chain", scope="module")
def _chain(
    small: Path,
    first: Run,
    forks: Forks,
    may_mount: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Chain]:
    out = tmp_path_factory.mktemp("killed") / "out"
    with ExitStack() as stack:
        stack.enter_context(small_disk(out)) if may_mount else out.mkdir()
        for part in ("serving", "states"):
            shutil.copytree(first.out / part, out / part)
        runs, steps = Runs(forks, small, out), {}
        for node in VICTIMS:
            if node == MODEL_PUSHER:  # so that no other node runs short of room first
                steps[VALIDATED] = runs.run(VALIDATED, die=True)
            if may_mount and node in (EVENT_EXAMPLE_GEN, MODEL_PUSHER):
                with room_for(out, ROOM):
                    steps[FULL + node] = runs.run(node, die=False)
            steps[node] = runs.run(node, die=True)
        steps[PUSHED] = runs.run(PUSHED, die=True)
        last = runs.run("", die=False)
        yield Chain(out, int(first.summary["version"]), steps, last)


def step_of(chain: Chain, name: str) -> Step:
    if name not in chain.steps:
        pytest.skip("mounting a small file system needs root and a container that allows it")
    return chain.steps[name]


@pytest.mark.parametrize("node", VICTIMS)
def test_the_run_died_in_the_node_in_the_middle_of_its_work(chain: Chain, node: str) -> None:
    step = chain.steps[node]
    assert step.done.code == -signal.SIGKILL, step.done.err
    assert step.happenings[-1] == (node, Happening.STARTED)
    assert (step.summary["status"], step.summary["exit_code"]) == ("running", None)
    if node != MODEL_PUSHER:
        assert step.half, "it had begun to write"


def test_the_pusher_died_with_the_states_in_place_and_the_model_half_copied(
    chain: Chain,
) -> None:
    folders = chain.steps[MODEL_PUSHER].serving - {str(chain.before)}
    assert folders == {f".partial-{chain.last.summary['version']}"}


def test_at_no_time_is_anything_served_but_the_old_version_whole(chain: Chain) -> None:
    assert chain.steps.keys() >= set(NODE_IDS)
    for name, step in chain.steps.items():
        if name != PUSHED:
            assert step.served == {chain.before: []}, name


def test_every_run_takes_all_that_finished_before_from_the_cache(chain: Chain) -> None:
    finished: set[str] = set()
    for name, step in [*chain.steps.items(), ("the last", chain.last)]:
        ran = nodes_that(Happening.RAN, step.happenings)
        cached = nodes_that(Happening.CACHED, step.happenings)
        assert set(cached) <= finished, name
        assert not finished & set(ran), name
        finished |= set(ran)
    assert finished == set(NODE_IDS)


def test_all_runs_together_ran_every_node_once(chain: Chain) -> None:
    ran = Counter(
        node
        for step in [*chain.steps.values(), chain.last]
        for node in nodes_that(Happening.RAN, step.happenings)
    )
    assert ran == Counter(NODE_IDS)


def test_the_run_that_reaches_its_end_pushes_beside_the_old_version(chain: Chain) -> None:
    step = chain.steps[PUSHED]
    assert step.done.code == -signal.SIGKILL, step.done.err
    assert nodes_that(Happening.RAN, step.happenings) == [MODEL_PUSHER]
    assert step.summary["status"] == "running"
    assert step.served == {chain.before: [], int(chain.last.summary["version"]): []}


def test_after_a_kill_behind_the_push_everything_comes_from_the_cache(chain: Chain) -> None:
    last = chain.last
    assert last.done.code == 0, last.done.err
    assert sorted(nodes_that(Happening.CACHED, last.happenings)) == sorted(NODE_IDS)
    assert (last.summary["status"], last.summary["exit_code"]) == ("unchanged", 0)
    assert last.summary["baseline"]["version"] == str(chain.before)
    baseline = last.summary["baseline"]["metrics"]["overall"][names.RISK]
    risk = last.summary["metrics"]["overall"][names.RISK]
    assert baseline["weight"] == risk["weight"], "measured on the same Examples"
    assert baseline["auc"] != risk["auc"], "of another model: two weeks more of data"
    assert last.served == chain.steps[PUSHED].served


def test_nothing_that_a_killed_run_left_stays(chain: Chain) -> None:
    from ml_metadata.proto import metadata_store_pb2

    from pipeline.executions import open_store

    assert chain.last.serving == {str(chain.before), chain.last.summary["version"]}
    assert not (chain.out / "tmp").exists()
    assert [path.name for path in chain.out.glob(".*")] == [".lock"]
    store = open_store(chain.out / "metadata.sqlite")
    executions = store.get_executions()
    done = (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED)
    failed = metadata_store_pb2.Execution.FAILED
    assert {e.last_known_state for e in executions} <= {*done, failed}
    dead = {str(e.id) for e in executions if e.last_known_state == failed}
    assert len(dead) == len(chain.steps.keys() - {PUSHED})
    left = [path for path in chain.out.glob("pipeline/*/*/*") if path.name in dead]
    assert [path for folder in left for path in folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("node", [EVENT_EXAMPLE_GEN, MODEL_PUSHER])
def test_a_full_disk_fails_the_run_with_a_remedy(chain: Chain, node: str) -> None:
    step = step_of(chain, FULL + node)
    assert step.done.code == 1, step.done.err
    assert step.happenings[-1] == (node, Happening.FAILED)
    assert (step.summary["status"], step.summary["exit_code"]) == ("failed", 1)
    error = step.summary["error"]
    assert error["node"] == node
    assert "disk" in error["rule"]
    assert error["received"]
    assert "free s" in error["remedy"]
    said = " ".join(step.done.err.split())
    assert "where: " + node in said
    assert "run again" in said
    assert "Traceback" not in said
