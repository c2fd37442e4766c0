"""Versions whose states, histories, catalogue and vectors are of one set of tables."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.event_example_gen import clock, partition, popularity
from components.event_example_gen.catalogue_table import catalogue_table
from components.event_example_gen.generate import (
    ENDED,
    columns_to_table,
    ended_students,
    observation_of,
)
from components.event_example_gen.popularity import breakpoints_of
from components.event_example_gen.state import (
    Snapshots,
    StateSource,
    compute_states,
    compute_used,
)
from components.event_example_gen.student_histories import histories_table
from components.model_pusher.push import Destination, push_version
from schemas import names
from schemas.config import GoalpathConfig
from schemas.features import state_features
from serving.versions import serving_dir
from tests.components.event_example_gen.in_memory import (
    Tables,
    make_histories,
    make_reference,
)
from tests.pushed_run import CREATED, NUMBER, bundle_run
from tests.random_examples import AUDIENCES, CATEGORIES, DAY, TYPES, engagement_id
from tests.sample_data import canonical_table
from tests.trained_run import AS_OF, TrainedRun

STUDENTS = 60
SECOND_NUMBER = NUMBER + 60
ENDED_STUDENT = "s00001"
"""Reached the last stage."""
RESPONSES = ("opened", "ignored", None)


@dataclasses.dataclass(frozen=True)
class RealVersion:
    """A pushed folder, the tables behind it, and the run of its model."""

    out: Path
    run: TrainedRun
    tables: Tables

    @property
    def config(self) -> GoalpathConfig:
        return self.run.config

    @property
    def serving_dir(self) -> Path:
        return serving_dir(self.out, self.config.serving.model_name)


def make_tables(seed: int = 3) -> Tables:
    """Students with every kind of profile column, some without events; one at the last stage."""
    random = np.random.default_rng(seed)
    students = [
        {
            names.STUDENT_ID: f"s{number:05d}",
            names.AUDIENCE: AUDIENCES[number % 2].decode(),
            names.ENTERED_AT: AS_OF - 100 * DAY + number * DAY // 7,
            "age": float(random.integers(17, 40)) if number % 5 else None,
            "major": CATEGORIES[number % 4].decode() or None,
            "essay": "campus visit" if number % 3 else None,
            "applied": AS_OF - int(random.integers(1, 90)) * DAY if number % 4 else None,
        }
        for number in range(STUDENTS)
    ]
    engagements = [
        {
            names.ENGAGEMENT_ID: engagement_id(number).decode(),
            names.ENGAGEMENT_TYPE: TYPES[number % len(TYPES)].decode(),
            names.AUDIENCE: (None, "north", "south", None)[number % 4],
            names.AVAILABLE_TO: AS_OF - DAY if number % 10 == 9 else None,
            names.DUE: AS_OF + (number - 20) * DAY if number % 6 == 1 else None,
            "cost": float(number) if number % 3 else None,
            "theme": CATEGORIES[number % 4].decode() or None,
            "title": "open day" if number % 2 else None,
            "made": AS_OF - (50 + number) * DAY if number % 3 else None,
        }
        for number in range(40)
    ]
    events = [
        event(number, each, random)
        for number in range(STUDENTS - 3)
        for each in range(int(random.integers(1, 30)))
    ]
    events.append(
        {
            names.STUDENT_ID: ENDED_STUDENT,
            names.ENGAGEMENT_ID: "e000",
            names.TIMESTAMP: AS_OF - DAY,
            names.STAGE_AFTER: "Third",
        }
    )
    return {names.STUDENTS: students, names.ENGAGEMENTS: engagements, names.EVENTS: events}


def event(number: int, each: int, random: np.random.Generator) -> dict[str, object]:
    return {
        names.STUDENT_ID: f"s{number:05d}",
        names.ENGAGEMENT_ID: engagement_id(int(random.integers(0, 40))).decode(),
        names.TIMESTAMP: AS_OF - int(random.integers(1, 60 * DAY)),
        names.RESPONSE: RESPONSES[int(random.integers(0, 3))],
        names.VALUE: float(random.integers(1, 9)) if each % 3 else None,
        names.STAGE_AFTER: "Second" if number % 3 == 0 and each == 2 else None,
    }


def write_pushed(
    folder: Path, tables: Tables, config: GoalpathConfig, as_of: int = AS_OF
) -> tuple[Path, Path]:
    """What EventExampleGen writes: the folder of the states, and the catalogue."""
    states, catalogue = folder / "states", folder / "catalogue.parquet"
    states.mkdir(parents=True)
    reference = make_reference(tables, config, as_of)
    histories = make_histories(tables, reference)
    every = np.arange(len(histories.students))
    at = Snapshots(every, np.full(len(every), as_of))
    source = StateSource(histories, reference)
    columns = {**compute_states(source, at), **compute_used(source, at)}
    ended = ended_students(histories, observation_of(histories, reference))
    table = columns_to_table(columns, state_features(config)).append_column(ENDED, pa.array(ended))
    pq.write_table(table, states / names.STATES_FILE)
    canonical = {name: canonical_table(config, name, rows) for name, rows in tables.items()}
    changes = canonical.get(names.STAGE_CHANGES)
    pq.write_table(
        histories_table(
            canonical[names.STUDENTS],
            partition.code_events(canonical[names.EVENTS], reference),
            None if changes is None else partition.code_changes(changes, reference),
            config,
            as_of=as_of,
        ),
        states / names.HISTORIES_FILE,
    )
    for name, file in names.REFERENCE_FILES.items():
        if name in canonical:
            pq.write_table(canonical[name], states / file)
    audiences = np.arange(len(reference.engagements.audiences))
    today = np.full(len(audiences), as_of // clock.DAY)
    counts = popularity.popularity_on(
        popularity.add_breakpoints(
            [breakpoints_of(histories.events, histories.students.audience_code)]
        ),
        audiences,
        today,
    )
    pq.write_table(catalogue_table(reference.engagements, counts, as_of), catalogue)
    return states, catalogue


def push_real(run: TrainedRun, folder: Path) -> RealVersion:
    """A first version."""
    from components.serving_bundle.vectors import write_student_vectors
    from serving.pushed_model import PushedModel

    tables = make_tables()
    states, _ = write_pushed(folder, tables, run.config)
    model = PushedModel(run.calibrated, run.config)
    write_student_vectors(
        model, states / names.STATES_FILE, run.config, states / names.VECTORS_FILE
    )
    version = RealVersion(folder / "out", run, tables)
    push_again(version, folder, CREATED)
    return version


def push_again(version: RealVersion, folder: Path, created: dt.datetime) -> None:
    """The same model and states as another version."""
    states, bundle = folder / "states", folder / "work" / "bundle"
    shutil.rmtree(bundle.parent, ignore_errors=True)
    bundle.parent.mkdir()
    beside = [path for path in states.iterdir() if path.name != names.STATES_FILE]
    bundle_run(
        version.run,
        states / names.STATES_FILE,
        bundle,
        catalogue=folder / "catalogue.parquet",
        beside=beside,
        created=created,
    )
    push_version(bundle, (states,), Destination(version.serving_dir, version.out / "states"))
