"""What every worker of a run has to know."""

from __future__ import annotations

import dataclasses

from components.event_example_gen import beam_files, clock
from components.event_example_gen.catalogue import engagements_from_table
from components.event_example_gen.cohorts import cohorts_from_table
from components.event_example_gen.partition import Reference
from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import DataError

EVENTS_A_PARTITION = 131_072
STUDENTS_A_PARTITION = 16_384


@dataclasses.dataclass(frozen=True)
class Job:
    """A run; small enough to be sent to every worker.

    Attributes:
      config: JSON of the data set's configuration.
      data_dir: the prepared folder.
      work_dir: for intermediate files, on a file system that all workers share.
      examples_dir: where the splits are written.
      as_of: rows at or after it do not exist.
      since: no snapshot before it; `clock.MISSING` for no such bound.
      audiences: of students, "" among them where one is in none.
      tasks: read the tables of students, events and stage changes.
      partitions: into how many the students are divided.
    """

    config: str
    data_dir: str
    work_dir: str
    examples_dir: str
    as_of: int
    since: int
    audiences: tuple[str, ...]
    tasks: tuple[beam_files.ReadTask, ...]
    partitions: int

    def parse_config(self) -> GoalpathConfig:
        """The data set's configuration."""
        return GoalpathConfig.model_validate_json(self.config)

    def load_reference(self) -> Reference:
        """Reads what all partitions share."""
        config = self.parse_config()
        engagements = beam_files.read_table(self.data_dir, names.ENGAGEMENTS)
        assert engagements is not None
        return Reference(
            config=config,
            engagements=engagements_from_table(engagements, config, self.audiences),
            cohorts=cohorts_from_table(beam_files.read_table(self.data_dir, names.COHORTS)),
            as_of=self.as_of,
        )


def plan_job(
    config: GoalpathConfig,
    *,
    data_dir: str,
    work_dir: str,
    examples_dir: str,
    as_of: str = "",
    window_days: int = 0,
) -> Job:
    """Looks at the files of a prepared folder, without reading their rows.

    Args:
      config: of the data set.
      data_dir: the prepared folder.
      work_dir: for intermediate files.
      examples_dir: where the splits are to be written.
      as_of: ISO 8601; "" for one second after the latest row.
      window_days: snapshots of so many days before `as_of` only; 0 for all.

    Raises:
      DataError: a table is missing, or has no rows.
      InputError: `as_of` is no ISO 8601 instant.
    """
    for table in (names.STUDENTS, names.ENGAGEMENTS, names.EVENTS):
        beam_files.require_paths(data_dir, table)
    tasks: list[beam_files.ReadTask] = []
    rows: dict[str, int] = {}
    for table in beam_files.STUDENT_TABLES:
        found, rows[table] = beam_files.read_tasks(data_dir, table)
        tasks.extend(found)
    if not rows[names.STUDENTS]:
        raise DataError(
            "there must be students.",
            where=f"{names.STUDENTS} of {data_dir}",
            received="no rows",
            remedy="give the students table at least one row.",
        )
    end = clock.parse_instant(as_of) if as_of else _default_as_of(data_dir)
    return Job(
        config=config.model_dump_json(),
        data_dir=data_dir,
        work_dir=work_dir,
        examples_dir=examples_dir,
        as_of=end,
        since=end - window_days * clock.DAY if window_days else clock.MISSING,
        audiences=beam_files.distinct_texts(data_dir, names.STUDENTS, names.AUDIENCE),
        tasks=tuple(tasks),
        partitions=_partitions(rows),
    )


def _partitions(rows: dict[str, int]) -> int:
    by_events = -(-rows[names.EVENTS] // EVENTS_A_PARTITION)
    by_students = -(-rows[names.STUDENTS] // STUDENTS_A_PARTITION)
    return max(by_events, by_students, 1)


def _default_as_of(data_dir: str) -> int:
    """One second after the latest row, or the latest instant that a cohort is observed until."""
    columns = (
        (names.EVENTS, names.TIMESTAMP),
        (names.STAGE_CHANGES, names.TIMESTAMP),
        (names.COHORTS, names.OBSERVED_UNTIL),
    )
    latest: list[int | None] = [beam_files.latest(data_dir, *place) for place in columns]
    found = [instant for instant in latest if instant is not None]
    if not found:
        raise DataError(
            "the time that the data reach to must be known.",
            where=f"{names.EVENTS} of {data_dir}",
            received="no rows",
            remedy="give events, or pass --as-of.",
        )
    return max(found) + clock.SECOND
