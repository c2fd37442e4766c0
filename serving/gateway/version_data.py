"""All that a gateway has of one pushed version."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas import names
from schemas.config import GoalpathConfig, Kind, stored_config
from schemas.errors import DataError, GoalpathError
from serving.catalogue import read_catalogue
from serving.gateway.posted_rows import StateRows
from serving.gateway.state_table import StudentRows
from serving.gateway.vectors import (
    EngagementVectors,
    StudentVectors,
    read_engagement_vectors,
    read_student_vectors,
)
from serving.goal_states import read_advisor
from serving.goals.advisor import GoalAdvisor
from serving.state_candidates import CatalogueRows, measured_at
from serving.states import ENDED
from serving.versions import Version

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_MICROSECOND: Final = dt.timedelta(microseconds=1)

Read = TypeVar("Read")


class VersionLacksError(DataError):
    """The version was pushed without what is asked for."""


@dataclasses.dataclass(frozen=True, eq=False)
class VersionData:
    """One version, read. Whoever answers holds one of these, and nothing of another.

    Attributes:
      version: where it is.
      config: it was made with.
      advisor: answers goal questions.
      states: as of the push.
      histories: what they were made from; None in a version that was pushed without.
      state_rows: makes states from histories; None likewise.
      student_vectors: in the order of the states; None likewise.
      engagement_vectors: of the catalogue; None likewise.
    """

    version: Version
    config: GoalpathConfig
    advisor: GoalAdvisor
    states: StudentRows
    histories: StudentRows | None
    state_rows: StateRows | None
    student_vectors: StudentVectors | None
    engagement_vectors: EngagementVectors | None

    @property
    def number(self) -> int:
        """Of the version."""
        return self.version.number

    @functools.cached_property
    def as_of(self) -> int:
        """The instant its states are of, int64 microseconds."""
        return (dt.datetime.fromisoformat(self.version.as_of) - _EPOCH) // _MICROSECOND

    @functools.cached_property
    def stages(self) -> npt.NDArray[np.object_]:
        """Stage of each student as of the push, `[S]`."""
        return np.array(self.states.table[names.Q_STAGE].cast(pa.string()).to_pylist(), object)

    @functools.cached_property
    def ended(self) -> npt.NDArray[np.bool_]:
        """Whether each student had ended as of the push, `[S]`."""
        return np.asarray(self.states.table[ENDED].to_numpy(), np.bool_)

    @functools.cached_property
    def engagement_types(self) -> frozenset[str]:
        """Of the catalogue."""
        rows = (self._rows(audience) for audience in self._audiences)
        return frozenset(kind.decode() for each in rows for kind in each.features[names.C_TYPE])

    @functools.cached_property
    def engagements(self) -> frozenset[str]:
        """Ids of the catalogue."""
        rows = (self._rows(audience) for audience in self._audiences)
        return frozenset(each.decode() for row in rows for each in row.features[names.C_ID])

    def catalogue(self, audience: bytes, at: int) -> CatalogueRows:
        """The engagements of an audience, with dates measured from an instant."""
        rows = self._rows(audience)
        return rows if at == self.as_of else measured_at(rows, self._dates, later=at - self.as_of)

    def _rows(self, audience: bytes) -> CatalogueRows:
        with self._lock:
            if audience not in self._catalogues:
                self._catalogues[audience] = read_catalogue(self._catalogue_path, audience)
            return self._catalogues[audience]

    @functools.cached_property
    def _catalogues(self) -> dict[bytes, CatalogueRows]:
        return {}

    @functools.cached_property
    def _lock(self) -> threading.Lock:
        return threading.Lock()

    @property
    def _catalogue_path(self) -> Path:
        return self.version.model_dir / names.ASSETS_EXTRA / names.CATALOGUE_FILE

    @functools.cached_property
    def _audiences(self) -> tuple[bytes, ...]:
        return tuple(audience.encode() for audience in audiences_of(self.states))

    @functools.cached_property
    def _dates(self) -> tuple[str, ...]:
        prefix = names.CANDIDATE_PREFIX + names.ATTRIBUTE_INFIX
        features: Mapping[str, Kind] = self.config.tables.engagements.features
        return tuple(prefix + column for column, kind in features.items() if kind is Kind.DATE)


def audiences_of(states: StudentRows) -> tuple[str, ...]:
    """The distinct audiences of students."""
    return tuple(sorted(pc.unique(states.table[names.AUDIENCE].cast(pa.string())).to_pylist()))


def read_version(version: Version, folder: Path) -> VersionData:
    """Reads a version.

    Args:
      version: complete.
      folder: for the Arrow files made from what was pushed, one folder a version.

    Raises:
      GoalpathError: a part of it is damaged.
    """
    config = stored_config(version.manifest["config"], where=str(version.model_dir))
    pushed, own = version.states_path.parent, folder / str(version.number)
    states = StudentRows(version.states_path, own)
    has_histories = (pushed / names.HISTORIES_FILE).is_file()
    data = VersionData(
        version=version,
        config=config,
        advisor=read_advisor(version.model_dir),
        states=states,
        histories=StudentRows(pushed / names.HISTORIES_FILE, own) if has_histories else None,
        state_rows=StateRows(pushed, config, audiences_of(states)) if has_histories else None,
        student_vectors=_if_there(pushed / names.VECTORS_FILE, read_student_vectors),
        engagement_vectors=_if_there(
            version.model_dir / names.ASSETS_EXTRA / names.ENGAGEMENT_VECTORS_FILE,
            read_engagement_vectors,
        ),
    )
    _warm(data)
    return data


def _if_there(path: Path, read: Callable[[Path], Read]) -> Read | None:
    return read(path) if path.is_file() else None


def _warm(data: VersionData) -> None:
    """Reads the catalogue and what else requests would wait for; one fault is found early."""
    if data.student_vectors is not None and len(data.student_vectors.unit) != len(data.states):
        raise GoalpathError(
            "vectors must be of the same students as the states.",
            where=str(data.version.states_path.parent),
            received=f"{len(data.student_vectors.unit)} vectors, {len(data.states)} states",
            remedy="push again with `goalpath run`.",
        )
    _ = data.as_of, data.stages, data.ended, data.engagements, data.engagement_types
