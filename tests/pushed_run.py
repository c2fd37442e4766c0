"""Bundles a trained run with student states and pushes it, without TFX's components."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from components.model_pusher.push import Destination, push_version
from components.serving_bundle.bundle import BundleParts, build_bundle
from schemas import features, names, patterns_files
from schemas.config import GoalpathConfig
from schemas.features import DType, Shape
from serving.states import ENDED
from serving.versions import serving_dir, states_path
from tests.random_examples import Row, random_states
from tests.small_patterns import small_journeys, small_patterns
from tests.trained_run import AS_OF, AS_OF_TEXT, TRAIN_ROWS, TrainedRun

CREATED = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)
NUMBER = 1_704_067_200  # date -u -d 2024-01-01 +%s
STUDENTS = 12
ENDED_STUDENT = "s00001"
STRANGER = "s00002"
"""Of an audience to which nothing is open."""
_ARROW_TYPES = {DType.BYTES: pa.large_string(), DType.FLOAT: pa.float32(), DType.INT: pa.int64()}


@dataclasses.dataclass(frozen=True)
class PushedRun:
    """A folder as `goalpath run` leaves it; `states` are in the order of the file."""

    out: Path
    run: TrainedRun
    states: list[Row]

    @property
    def config(self) -> GoalpathConfig:
        return self.run.config

    @property
    def version_dir(self) -> Path:
        return serving_dir(self.out, self.config.serving.model_name) / str(NUMBER)

    @property
    def states_path(self) -> Path:
        return states_path(self.out, NUMBER)


def consistent_states(config: GoalpathConfig) -> list[Row]:
    """Random states as of AS_OF, with counts that agree."""
    states = random_states(config, STUDENTS, seed=21)
    for state in states:
        state[names.SNAPSHOT_TIME] = [AS_OF]
        state[names.Q_ACTIVE[0]] = [float(sum(state[names.TYPE_ACTIVE_ALL]))]
    return states


def write_states(config: GoalpathConfig, states: Sequence[Row], path: Path) -> None:
    """`states.parquet` as EventExampleGen writes it."""
    columns = {}
    for spec in features.state_features(config):
        kind = _ARROW_TYPES[spec.dtype]
        values = [
            [v.decode() if isinstance(v, bytes) else v for v in state[spec.key]] for state in states
        ]
        columns[spec.key] = (
            pa.array([value[0] for value in values], kind)
            if spec.shape is Shape.SCALAR
            else pa.array(values, pa.large_list(kind))
        )
    columns[ENDED] = pa.array([s[names.STUDENT_ID] == [ENDED_STUDENT.encode()] for s in states])
    pq.write_table(pa.table(columns), path)


def bundle_run(
    run: TrainedRun,
    states: Path,
    target: Path,
    *,
    catalogue: Path | None = None,
    beside: Sequence[Path] = (),
    created: dt.datetime = CREATED,
) -> None:
    """A model version of the run, with stand-ins for statistics, summary and patterns.

    Args:
      run: the model.
      states: `states.parquet`.
      target: folder of the version.
      catalogue: other than the run's.
      beside: what is to be pushed beside the states.
      created: gives the version's number.
    """
    from components.serving_bundle.vectors import write_engagement_vectors
    from serving.pushed_model import PushedModel

    folder = target.parent
    catalogue = catalogue or run.catalogue / names.CATALOGUE_FILE
    vectors = folder / names.ENGAGEMENT_VECTORS_FILE
    model = PushedModel(run.calibrated, run.config)
    write_engagement_vectors(model, catalogue, vectors, as_of=AS_OF)
    patterns_files.write_patterns(folder, small_patterns(run.config), small_journeys(run.config))
    statistics, summary = folder / "statistics.pb", folder / "summary.json"
    statistics.write_bytes(b"statistics")
    summary.write_text(
        json.dumps({"as_of": AS_OF_TEXT, "splits": {"train": {"snapshots": TRAIN_ROWS}}})
    )
    build_bundle(
        BundleParts(
            run.calibrated,
            folder / patterns_files.PATTERNS_FILE,
            folder / patterns_files.JOURNEYS_FILE,
            catalogue,
            states,
            statistics,
            summary,
            vectors,
            {path.name: path for path in beside},
        ),
        target,
        config=run.config,
        created=created,
        library_versions={},
    )


def push_run(run: TrainedRun, folder: Path) -> PushedRun:
    """Bundles and pushes."""
    states, bundle, out = folder / "states" / names.STATES_FILE, folder / "bundle", folder / "out"
    states.parent.mkdir()
    pushed = PushedRun(out, run, consistent_states(run.config))
    for state in pushed.states:
        if state[names.STUDENT_ID] == [STRANGER.encode()]:
            state[names.AUDIENCE] = [b"nowhere"]
    write_states(run.config, pushed.states, states)
    bundle_run(run, states, bundle)
    destination = Destination(pushed.version_dir.parent, states_path(out, NUMBER).parent.parent)
    push_version(bundle, (states.parent,), destination)
    return pushed
