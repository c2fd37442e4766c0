"""What happened in the window after each snapshot."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from components.event_example_gen import clock
from components.event_example_gen.columns import Numbers
from components.event_example_gen.observation import Observation
from components.event_example_gen.partition import Histories
from components.event_example_gen.segments import Places, expand
from components.event_example_gen.state import Snapshots
from schemas import names
from schemas.config import HorizonsConfig

Flags = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, eq=False)
class Windows:
    """Snapshots with what bounds their labels; `n` of them.

    Attributes:
      histories: of the students.
      observation: of the students.
      snapshots: `n` of them.
      barrier: int64 `[n]`; a label whose window reaches past it is unknown.
    """

    histories: Histories
    observation: Observation
    snapshots: Snapshots
    barrier: clock.Instants

    def known(self, days: int) -> Flags:
        """Whether the windows of so many days are known: `[n]`."""
        at = self.snapshots
        return self.observation.known(at.student, at.t, days * clock.DAY, self.barrier)

    def end(self, days: int) -> clock.Instants:
        """Where the windows of so many days end: `[n]`."""
        at = self.snapshots
        return self.observation.window_end(at.student, at.t, days * clock.DAY)


def outcome_labels(windows: Windows, horizons: HorizonsConfig) -> dict[str, Numbers]:
    """Labels and weights of likelihood, risk and every goal.

    An unknown label has label 0 and weight 0.

    Args:
      windows: of `n` snapshots.
      horizons: how far each label looks.

    Returns:
      float32 columns of `n` rows; those of the goals have one value a stage.
    """
    at = windows.snapshots
    position, _ = windows.histories.records.at(at.student, at.t, at.t)
    advanced = _advances(windows, position, horizons.likelihood_days)
    goals = _reaches(windows, horizons.goal_days)
    goals |= position[:, None] >= np.arange(goals.shape[1])
    return {
        **_labelled(
            names.LIKELIHOOD_LABEL,
            names.LIKELIHOOD_WEIGHT,
            advanced,
            windows.known(horizons.likelihood_days),
        ),
        **_labelled(
            names.RISK_LABEL,
            names.RISK_WEIGHT,
            _at_risk(windows, horizons.risk_days),
            windows.known(horizons.risk_days),
        ),
        **_labelled(names.GOAL_LABEL, names.GOAL_WEIGHT, goals, windows.known(horizons.goal_days)),
    }


def _labelled(label_key: str, weight_key: str, label: Flags, known: Flags) -> dict[str, Numbers]:
    width = 1 if label.ndim == 1 else label.shape[1]
    weight = np.repeat(known, width)
    values = label.reshape(-1) & weight
    return {
        label_key: Numbers(values.astype(np.float32), width=width),
        weight_key: Numbers(weight.astype(np.float32), width=width),
    }


def _reaches(windows: Windows, days: int) -> Flags:
    """Whether a record in the window has stage k or beyond: `[n, K]`."""
    records, at = windows.histories.records, windows.snapshots
    first = records.count_before(at.student, at.t)
    stop = records.count_before(at.student, windows.end(days))
    return records.reached[stop] > records.reached[first]


def _advances(windows: Windows, position: Places, days: int) -> Flags:
    reaches = _reaches(windows, days)
    last = reaches.shape[1] - 1
    rows = np.arange(len(position))
    reaches_next: Flags = reaches[rows, np.minimum(position + 1, last)]
    advances: Flags = reaches_next & (position < last)
    return advances


def _at_risk(windows: Windows, days: int) -> Flags:
    """Lost in the window, or no active event in it."""
    events, at = windows.histories.events, windows.snapshots
    end = windows.end(days)
    lost_at = windows.histories.records.lost_at[at.student]
    lost = (lost_at >= at.t) & (lost_at < end)
    first = events.count_before(at.student, at.t)
    stop = events.count_before(at.student, end)
    silent: Flags = events.active_before[stop] == events.active_before[first]
    return lost | silent


@dataclasses.dataclass(frozen=True, eq=False)
class Answers:
    """What the students responded to in the ranking windows.

    Attributes:
      known: bool `[n]`; the window is known. What follows is empty where it is not.
      row: snapshot of each engagement with a grade above 0, `[m]`, ascending.
      engagement: which, `[m]`, ascending within a snapshot.
      grade: the highest grade, float32 `[m]`.
      given: the engagement of the first event in the window, of any response; -1
        for none. `[n]`.
    """

    known: Flags
    row: Places
    engagement: Places
    grade: npt.NDArray[np.float32]
    given: Places


def answers(windows: Windows, window_days: int) -> Answers:
    """The graded engagements of each ranking window, and the one met first."""
    events, at = windows.histories.events, windows.snapshots
    known = windows.known(window_days)
    first = events.count_before(at.student, at.t)
    stop = events.count_before(at.student, windows.end(window_days))
    counts = np.where(known, stop - first, 0)
    given = np.full(len(at), -1)
    some = counts > 0
    given[some] = events.engagement[first[some]]
    row, place = expand(first, counts)
    graded = events.grade[place] > 0
    row, place = row[graded], place[graded]
    return Answers(known, *_highest(row, events.engagement[place], events.grade[place]), given)


def _highest(
    row: Places, engagement: Places, grade: npt.NDArray[np.float32]
) -> tuple[Places, Places, npt.NDArray[np.float32]]:
    """One entry for each row and engagement, with its highest grade."""
    width = int(engagement.max(initial=0)) + 1
    keys = row * width + engagement
    order = np.argsort(keys, kind="stable")
    keys, grade = keys[order], grade[order]
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    if len(first):
        grade = np.maximum.reduceat(grade, first)
    row, engagement = np.divmod(keys[first], width)
    return row, engagement, grade
