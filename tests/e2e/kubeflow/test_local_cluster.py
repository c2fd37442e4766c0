"""The compiled pipeline, run by KFP's own orchestration; see local_cluster.py."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import yaml

from pipeline.kubeflow.finish_spec import node_ids
from pipeline.kubeflow.storage_paths import MOUNTS
from pipeline.node_ids import EVALUATOR, EVENT_EXAMPLE_GEN, MODEL_PUSHER
from schemas import names
from tests.e2e import small_data
from tests.e2e.conftest import Run
from tests.e2e.kubeflow.conftest import HERE, Attempt, Cluster
from tests.e2e.runs import goalpath, served, sha256
from tests.e2e.small_disk import can_mount, room_for, small_disk
from tests.pipeline.kubeflow.golden import GOLDEN

pytestmark = pytest.mark.e2e

KILLED = -9
GEN = "components.event_example_gen.executor.Executor"
PREPARATION = "components.data_preparation.executor.Executor"
PUSHER = "components.model_pusher.executor.Executor"
DYING = str(HERE / "dying_node.py")
PARAMETERS = {"as_of": small_data.EARLIER, "max_bad_rows": small_data.BAD_ROWS}
SETTINGS = """
image: example/goalpath:0.1.0
data_dir: {volume}/data
output_dir: {volume}/out
volumes: [{{claim: goalpath, mount_path: {volume}}}]
retries: {{count: 1, backoff_seconds: 0}}
"""


@dataclasses.dataclass(frozen=True)
class Place:
    """A volume with data, and a pipeline that was compiled for it.

    Attributes:
      volume: folder that stands for the mounted volume.
      pipeline: the compiled YAML.
    """

    volume: Path
    pipeline: Path


@pytest.fixture(name="place", scope="module")
def _place(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("kubeflow")
    place = Place(folder / "volume", folder / "pipeline.yaml")
    place.volume.mkdir()
    shutil.copytree(small, place.volume / "data")
    settings = folder / "kubeflow.yaml"
    settings.write_text(SETTINGS.format(volume=place.volume))
    arguments = ("--data", small, "--settings", settings, "--out", place.pipeline)
    done = goalpath("kubeflow", "compile", *arguments)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("nodes, image example/goalpath:0.1.0\n")
    return place


@dataclasses.dataclass(frozen=True)
class Finished:
    """A whole run.

    Attributes:
      attempts: its containers, in order.
      store: folder that stands for the object store.
      out: folder of versions and states, on the volume.
    """

    attempts: list[Attempt]
    store: Path
    out: Path

    def artifact(self, node: str, channel: str) -> Path:
        """The folder of an artifact in the store."""
        (found,) = self.store.glob(f"*/{stored_as(node)}/{channel}")
        return found


def stored_as(node: str) -> str:
    """The folder that kfp.local makes for a node: it takes off the `comp-` of KFP's compiler."""
    return node[len("comp-") :]


@pytest.fixture(name="finished", scope="module")
def _finished(cluster: Cluster, place: Place, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """All nodes with their artifacts in an object store; the push is killed and retried."""
    folder = tmp_path_factory.mktemp("object-store")
    store = folder / "store"
    store.mkdir()
    attempts = cluster.run(
        folder,
        place.pipeline,
        arguments=PARAMETERS,
        store=store,
        object_store=True,
        kills={PUSHER: [DYING, MODEL_PUSHER]},
    )
    return Finished(attempts, store, place.volume / "out")


def test_the_server_can_parse_both_documents(cluster: Cluster, place: Place) -> None:
    done = cluster.script("strict_parse.py", GOLDEN, place.pipeline)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_node_runs_and_the_push_once_more(finished: Finished, place: Place) -> None:
    spec = next(yaml.safe_load_all(place.pipeline.read_text()))
    assert [(each.node, each.code) for each in finished.attempts if each.code] == [
        ("model_pusher", KILLED)
    ], finished.attempts[-1].log[-3000:]
    assert len(finished.attempts) == len(node_ids(spec)) + 1
    assert {each.termination for each in finished.attempts} == {""}


def test_what_is_pushed_is_whole_after_a_push_that_was_killed(finished: Finished) -> None:
    assert list(served(finished.out).values()) == [[]]
    folders = {path.name for path in (finished.out / "serving" / "goalpath").iterdir()}
    assert folders == {str(version) for version in served(finished.out)}
    assert {path.name for path in (finished.out / "states").iterdir()} == folders


def test_the_model_is_the_one_of_a_run_here(finished: Finished, first: Run) -> None:
    from pipeline.evaluation_results import read_metrics

    there = read_metrics(finished.artifact(EVALUATOR, "evaluation"), has_baseline=False)
    here = first.summary["metrics"]
    assert set(there) == set(here)
    for head, expected in here["overall"].items():
        assert there["overall"][head] == pytest.approx(expected, rel=1e-3, abs=1e-4), head


def test_the_version_knows_what_it_was_made_with(finished: Finished, first: Run) -> None:
    (version,) = served(finished.out)
    (here,) = first.served
    ours, theirs = (
        json.loads((out / "serving/goalpath" / str(n) / "assets.extra/manifest.json").read_text())
        for out, n in ((finished.out, version), (first.out, here))
    )
    assert ours["config"] == theirs["config"]
    assert ours["as_of"] == theirs["as_of"]


def test_no_address_of_the_store_is_left_in_the_containers_files(finished: Finished) -> None:
    # Paths like /minio/... would be looked for in the next container, and not be there.
    reports = [path.read_text() for path in finished.store.glob("*/*/executor_output.json")]
    assert len(reports) == len(finished.attempts) - 1
    for report in reports:
        assert "/root/minio/" not in report
        assert not any(f'"/{folder}/' in report for folder in MOUNTS.values())


def test_on_a_volume_a_killed_attempt_leaves_no_half_artifact(
    cluster: Cluster, place: Place, finished: Finished, tmp_path: Path
) -> None:
    store = place.volume / "root"
    store.mkdir()
    attempts = cluster.run(
        tmp_path,
        place.pipeline,
        arguments=PARAMETERS,
        store=store,
        object_store=False,
        kills={GEN: [DYING, EVENT_EXAMPLE_GEN]},
        until=GEN,
    )
    assert [(each.node, each.code) for each in attempts] == [
        ("data_preparation", 0),
        ("event_example_gen", KILLED),
        ("event_example_gen", 0),
    ]
    (there,) = store.glob(f"*/{stored_as(EVENT_EXAMPLE_GEN)}")
    for channel in ("examples", "states", "catalogue"):
        whole = finished.artifact(EVENT_EXAMPLE_GEN, channel)
        assert _files(there / channel) == _files(whole), channel
    assert (there / "catalogue" / names.CATALOGUE_FILE).is_file()


def test_a_folder_that_is_not_there_is_said(cluster: Cluster, place: Place, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    attempt, retried = cluster.run(
        tmp_path,
        place.pipeline,
        arguments={**PARAMETERS, "data_dir": f"{place.volume}/dta"},
        store=store,
        object_store=True,
    )
    assert (attempt.code, retried.code) == (2, 2)
    assert attempt.termination.startswith(
        "error:    the data folder must exist in the pod.\nwhere:    data_preparation: data_dir\n"
        f"received: {place.volume}/dta; {place.volume} holds data"
    )
    assert retried.termination == attempt.termination
    assert attempt.termination in attempt.log


def test_a_full_volume_is_said(cluster: Cluster, place: Place, tmp_path: Path) -> None:
    if not can_mount(tmp_path / "probe"):
        pytest.skip("SKIPPED LOUDLY: this process may not mount, so no disk can be made full")
    store = tmp_path / "store"
    with small_disk(store), room_for(store, 4 << 10):
        attempt, _ = cluster.run(
            tmp_path,
            place.pipeline,
            arguments=PARAMETERS,
            store=store,
            object_store=False,
            until=PREPARATION,
        )
    assert attempt.code == 1
    assert attempt.termination.startswith("error:    the disk is full.\nwhere:    data_prep")
    assert f"received: {store}" in attempt.termination


def _files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in folder.rglob("*")
        if path.is_file()
    }
