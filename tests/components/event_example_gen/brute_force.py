"""Snapshots, features and labels as the definitions say them, row by row.

Slow on purpose: nothing is sorted ahead, counted ahead or shared with the code under
test. Rows are dicts by the data contract; features come out as plain numbers, texts
and lists.
"""

from __future__ import annotations

import calendar
import dataclasses
import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas import names
from schemas.config import Cadence, GoalpathConfig, Kind

DAY = 86_400_000_000
Row = Mapping[str, Any]


def to_days(microseconds: int) -> float:
    return microseconds / DAY


def utc(t: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc) + dt.timedelta(microseconds=t)


@dataclasses.dataclass
class Life:
    """One student's own rows, cut at as_of and at a loss."""

    student: Row
    events: list[Row]
    records: list[tuple[int, int]]  # time, place in the funnel
    lost_at: int | None
    ended_at: int | None
    entered: int | None


class BruteForce:
    """A data set and its definitions.

    Args:
      tables: table -> rows.
      config: of the data set.
      as_of: microseconds.
    """

    def __init__(
        self, tables: Mapping[str, Sequence[Row]], config: GoalpathConfig, as_of: int
    ) -> None:
        self.config = config
        self.as_of = as_of
        self.engagements = {row[names.ENGAGEMENT_ID]: row for row in tables[names.ENGAGEMENTS]}
        self.cohorts = {row[names.COHORT]: row for row in tables.get(names.COHORTS, ())}
        self.lives = {
            row[names.STUDENT_ID]: self._life(row, tables) for row in tables[names.STUDENTS]
        }
        self._crowd: dict[
            tuple[str, int, int], tuple[int, dict[str, int], dict[str, set[str]]]
        ] = {}

    def is_active(self, event: Row) -> bool:
        active = self.config.responses.active
        return active is None or (event.get(names.RESPONSE) or "") in active

    def grade(self, event: Row) -> float:
        response = event.get(names.RESPONSE) or ""
        if response in self.config.responses.grades:
            return self.config.responses.grades[response]
        return 1.0 if self.is_active(event) else 0.0

    def _life(self, student: Row, tables: Mapping[str, Sequence[Row]]) -> Life:
        own = [
            row
            for row in tables[names.EVENTS]
            if row[names.STUDENT_ID] == student[names.STUDENT_ID]
            and row[names.TIMESTAMP] < self.as_of
        ]
        changes = [
            (row[names.TIMESTAMP], row[names.STAGE])
            for row in tables.get(names.STAGE_CHANGES, ())
            if row[names.STUDENT_ID] == student[names.STUDENT_ID]
            and row[names.TIMESTAMP] < self.as_of
        ]
        for row in own:
            if row.get(names.STAGE_AFTER):
                changes.append((row[names.TIMESTAMP], row[names.STAGE_AFTER]))
            if (row.get(names.RESPONSE) or "") in self.config.responses.lost:
                changes.append((row[names.TIMESTAMP], names.LOST))
        losses = [time for time, stage in changes if stage == names.LOST]
        lost_at = min(losses) if losses else None
        if lost_at is not None:
            own = [row for row in own if row[names.TIMESTAMP] <= lost_at]
            changes = [change for change in changes if change[0] <= lost_at]
        records = sorted(
            (time, self.config.stages.index(stage))
            for time, stage in changes
            if stage != names.LOST
        )
        last = len(self.config.stages) - 1
        ends = [time for time, place in records if place == last]
        if lost_at is not None:
            ends.append(lost_at)
        own.sort(
            key=lambda row: (
                row[names.TIMESTAMP],
                row[names.ENGAGEMENT_ID],
                row.get(names.RESPONSE) or "",
                math.inf if row.get(names.VALUE) is None else row[names.VALUE],
            )
        )
        times = [row[names.TIMESTAMP] for row in own] + [time for time, _ in changes]
        entered = student.get(names.ENTERED_AT)
        if entered is None:
            entered = min(times) if times else None
        if entered is not None and entered >= self.as_of:
            entered = None
        return Life(student, own, records, lost_at, min(ends) if ends else None, entered)

    # Observation.

    def cohort(self, life: Life) -> Row | None:
        return self.cohorts.get(life.student.get(names.COHORT))

    def is_closed(self, life: Life) -> bool:
        cohort = self.cohort(life)
        if cohort is None:
            return False
        until = cohort.get(names.OBSERVED_UNTIL)
        return cohort[names.CLOSES] < self.as_of and (
            until is None or until >= cohort[names.CLOSES]
        )

    def observed_until(self, life: Life) -> int:
        cohort = self.cohort(life)
        until = cohort.get(names.OBSERVED_UNTIL) if cohort else None
        return self.as_of if until is None else min(self.as_of, until)

    def is_ended(self, life: Life) -> bool:
        return life.ended_at is not None or self.is_closed(life)

    def snapshot_times(self, student_id: str, since: int | None = None) -> list[int]:
        life = self.lives[student_id]
        cohort = self.cohort(life)
        cadence = self.config.snapshots.cadence
        if cadence is Cadence.EVERY_EVENT:
            candidates: Iterable[int] = sorted({row[names.TIMESTAMP] for row in life.events})
        else:
            step = DAY if cadence is Cadence.DAILY else 7 * DAY
            origin = cohort[names.STARTS] if cohort else (0 if step == DAY else 4 * DAY)
            candidates = range(origin - 900 * step, origin + 40_000 * step, step)
        times = []
        for t in candidates:
            if t >= self.as_of:
                break
            if life.entered is None or t < life.entered or t >= self.observed_until(life):
                continue
            if cohort is not None and t < cohort[names.STARTS]:
                continue
            if self.is_closed(life) and cohort is not None and t >= cohort[names.CLOSES]:
                continue
            if life.ended_at is not None and t > life.ended_at:
                continue
            if since is not None and t < since:
                continue
            times.append(t)
        return times

    # State.

    def state(self, student_id: str, t: int) -> dict[str, Any]:
        life = self.lives[student_id]
        before = [row for row in life.events if row[names.TIMESTAMP] < t]
        active = [row for row in before if self.is_active(row)]
        entered = life.entered if life.entered is not None and life.entered <= t else t
        found: dict[str, Any] = {
            names.STUDENT_ID: student_id,
            names.AUDIENCE: life.student.get(names.AUDIENCE) or "",
            names.COHORT: life.student.get(names.COHORT) or "",
            names.SNAPSHOT_TIME: t,
            **self._stage_state(life, t, entered),
            names.Q_DAYS_SINCE_ENTRY: to_days(t - entered),
            names.Q_DAYS_SINCE_EVENT: to_days(
                t - (before[-1][names.TIMESTAMP] if before else entered)
            ),
            names.Q_DAYS_SINCE_ACTIVE: to_days(
                t - (active[-1][names.TIMESTAMP] if active else entered)
            ),
        }
        dates = [utc(row[names.TIMESTAMP]).date() for row in active]
        first_of_day = [
            row for place, row in enumerate(active) if dates[place] not in dates[:place]
        ]
        for days in (7, 28, 0):
            found[names.Q_EVENTS[days]] = len(recent(before, t, days))
            found[names.Q_ACTIVE[days]] = len(recent(active, t, days))
            found[names.Q_VALUE[days]] = sum(
                row.get(names.VALUE) or 0 for row in recent(before, t, days)
            )
            found[names.Q_ACTIVE_DAYS[days]] = len(recent(first_of_day, t, days))
        found[names.Q_DISTINCT_28] = len(
            {row[names.ENGAGEMENT_ID] for row in recent(active, t, 28)}
        )
        found[names.Q_DISTINCT_ALL] = len({row[names.ENGAGEMENT_ID] for row in active})
        found[names.Q_WEEKLY_ACTIVE] = [
            sum(
                t - 7 * (week + 1) * DAY <= row[names.TIMESTAMP] < t - 7 * week * DAY
                for row in active
            )
            for week in range(names.WEEKS)
        ]
        found.update(self._calendar_state(life, t, active))
        found.update(self._type_state(before, t))
        found.update(self._history_state(before, t))
        features = self.config.tables.students.features
        for column, kind in features.items():
            found.update(
                attribute(names.PROFILE_PREFIX + column, life.student.get(column), kind, t)
            )
        return found

    def _stage_at(self, life: Life, t: int) -> int:
        before = [place for time, place in life.records if time < t]
        return before[-1] if before else 0

    def _stage_state(self, life: Life, t: int, entered: int) -> dict[str, Any]:
        before = [record for record in life.records if record[0] < t]
        place, since = self._stage_at(life, t), entered
        for time, other in reversed(before):
            if other != place:
                break
            since = time
        return {
            names.Q_STAGE: self.config.stages[place],
            names.Q_STAGE_POSITION: place / (len(self.config.stages) - 1),
            names.Q_DAYS_IN_STAGE: to_days(t - since),
        }

    def _calendar_state(self, life: Life, t: int, active: Sequence[Row]) -> dict[str, Any]:
        cohort, now = self.cohort(life), utc(t)
        start = dt.datetime(now.year, 1, 1, tzinfo=dt.timezone.utc)
        days = 366 if calendar.isleap(now.year) else 365
        year = 2 * math.pi * ((now - start) / dt.timedelta(days=days))
        week = 2 * math.pi * now.weekday() / 7
        done = {row[names.ENGAGEMENT_ID] for row in active}
        dues = sorted(
            (row[names.DUE], key)
            for key, row in self.engagements.items()
            if row.get(names.DUE) is not None and self.is_open(row, life)
        )
        passed = [(due, key) for due, key in dues if due < t]
        ahead = [(due, key) for due, key in dues if due >= t]
        return {
            names.Q_COHORT_KNOWN: float(cohort is not None),
            names.Q_DAYS_SINCE_START: to_days(t - cohort[names.STARTS]) if cohort else 0,
            names.Q_DAYS_TO_CLOSE: to_days(cohort[names.CLOSES] - t) if cohort else 0,
            names.Q_YEAR_SIN: math.sin(year),
            names.Q_YEAR_COS: math.cos(year),
            names.Q_WEEKDAY_SIN: math.sin(week),
            names.Q_WEEKDAY_COS: math.cos(week),
            names.Q_DUE_PASSED: len(passed),
            names.Q_DUE_DONE: sum(key in done for _, key in passed),
            names.Q_DUE_MISSED: sum(key not in done for _, key in passed),
            names.Q_DUE_NEXT_7: sum(due < t + 7 * DAY for due, _ in ahead),
            names.Q_DUE_NEXT_28: sum(due < t + 28 * DAY for due, _ in ahead),
            names.Q_NEXT_DUE_KNOWN: float(bool(ahead)),
            names.Q_DAYS_TO_NEXT_DUE: to_days(ahead[0][0] - t) if ahead else 0,
            names.Q_NEXT_DUE_DONE: float(bool(ahead) and ahead[0][1] in done),
            names.Q_LAST_DUE_KNOWN: float(bool(passed)),
            names.Q_DAYS_SINCE_LAST_DUE: to_days(t - passed[-1][0]) if passed else 0,
            names.Q_LAST_DUE_DONE: float(bool(passed) and passed[-1][1] in done),
        }

    def _type_state(self, before: Sequence[Row], t: int) -> dict[str, Any]:
        kinds = sorted({self.type_of(row) for row in before})
        of_kind = {kind: [row for row in before if self.type_of(row) == kind] for kind in kinds}
        active = {kind: [row for row in of_kind[kind] if self.is_active(row)] for kind in kinds}
        return {
            names.TYPE_NAME: kinds,
            names.TYPE_ACTIVE_28: [len(recent(active[kind], t, 28)) for kind in kinds],
            names.TYPE_ACTIVE_ALL: [len(active[kind]) for kind in kinds],
            names.TYPE_MET_ALL: [len(of_kind[kind]) for kind in kinds],
            names.TYPE_VALUE_ALL: [
                sum(row.get(names.VALUE) or 0 for row in of_kind[kind]) for kind in kinds
            ],
            names.TYPE_DAYS_SINCE: [
                to_days(t - of_kind[kind][-1][names.TIMESTAMP]) for kind in kinds
            ],
        }

    def type_of(self, event: Row) -> str:
        return str(self.engagements[event[names.ENGAGEMENT_ID]][names.ENGAGEMENT_TYPE])

    def _history_state(self, before: Sequence[Row], t: int) -> dict[str, Any]:
        last = list(reversed(before))[: self.config.snapshots.history_length]
        return {
            names.HISTORY_ID: [row[names.ENGAGEMENT_ID] for row in last],
            names.HISTORY_TYPE: [self.type_of(row) for row in last],
            names.HISTORY_RESPONSE: [row.get(names.RESPONSE) or "" for row in last],
            names.HISTORY_DAYS_AGO: [to_days(t - row[names.TIMESTAMP]) for row in last],
            names.HISTORY_VALUE: [row.get(names.VALUE) or 0 for row in last],
            names.HISTORY_ACTIVE: [float(self.is_active(row)) for row in last],
        }

    def used(self, student_id: str, t: int) -> dict[str, Any]:
        before = [row for row in self.lives[student_id].events if row[names.TIMESTAMP] < t]
        met = sorted({row[names.ENGAGEMENT_ID] for row in before})
        own = [self.own_use(student_id, key, t) for key in met]
        return {
            names.USED_ID: met,
            names.USED_COUNT: [use[names.C_OWN_COUNT] for use in own],
            names.USED_COUNT_7: [use[names.C_OWN_COUNT_7] for use in own],
            names.USED_COUNT_28: [use[names.C_OWN_COUNT_28] for use in own],
            names.USED_MET: [use[names.C_OWN_MET] for use in own],
            names.USED_DAYS_SINCE: [use[names.C_OWN_DAYS_SINCE] for use in own],
        }

    # Candidates.

    def is_open(self, engagement: Row, life: Life) -> bool:
        listed = [part for part in (engagement.get(names.AUDIENCE) or "").split("|") if part]
        return not listed or (life.student.get(names.AUDIENCE) or "") in listed

    def eligible(self, student_id: str, t: int) -> list[str]:
        life, found = self.lives[student_id], []
        end = t + self.config.ranking.window_days * DAY
        for key, row in self.engagements.items():
            begins, ends = row.get(names.AVAILABLE_FROM), row.get(names.AVAILABLE_TO)
            overlaps = (begins is None or begins < end) and (ends is None or ends > t)
            if overlaps and self.is_open(row, life):
                found.append(key)
        return sorted(found)

    def own_use(self, student_id: str, engagement_id: str, t: int) -> dict[str, Any]:
        before = [
            row
            for row in self.lives[student_id].events
            if row[names.TIMESTAMP] < t and row[names.ENGAGEMENT_ID] == engagement_id
        ]
        active = [row for row in before if self.is_active(row)]
        return {
            names.C_OWN_COUNT: len(active),
            names.C_OWN_COUNT_7: len(recent(active, t, 7)),
            names.C_OWN_COUNT_28: len(recent(active, t, 28)),
            names.C_OWN_MET: len(before),
            names.C_OWN_DAYS_SINCE: to_days(t - before[-1][names.TIMESTAMP]) if before else 0,
        }

    def crowd(
        self, audience: str, t: int, days: int
    ) -> tuple[int, dict[str, int], dict[str, set[str]]]:
        """Active events of the audience, by engagement, and the students of each."""
        midnight = t // DAY * DAY
        key = (audience, midnight, days)
        if key not in self._crowd:
            events: dict[str, int] = {}
            students: dict[str, set[str]] = {}
            for student_id, life in self.lives.items():
                if (life.student.get(names.AUDIENCE) or "") != audience:
                    continue
                for row in life.events:
                    inside = midnight - days * DAY <= row[names.TIMESTAMP] < midnight
                    if inside and self.is_active(row):
                        engagement = row[names.ENGAGEMENT_ID]
                        events[engagement] = events.get(engagement, 0) + 1
                        students.setdefault(engagement, set()).add(student_id)
            self._crowd[key] = (sum(events.values()), events, students)
        return self._crowd[key]

    def popularity(self, audience: str, engagement_id: str, t: int) -> dict[str, Any]:
        found = {}
        for days, share_key, reach_key in (
            (7, names.C_POPULARITY_7, names.C_REACH_7),
            (28, names.C_POPULARITY_28, names.C_REACH_28),
        ):
            total, events, students = self.crowd(audience, t, days)
            everyone = set().union(*students.values()) if students else set()
            found[share_key] = events.get(engagement_id, 0) / total if total else 0
            found[reach_key] = (
                len(students.get(engagement_id, set())) / len(everyone) if everyone else 0
            )
        return found

    def candidate(self, student_id: str, engagement_id: str, t: int) -> dict[str, Any]:
        """Every candidate feature of one engagement."""
        life, row = self.lives[student_id], self.engagements[engagement_id]
        kind = row[names.ENGAGEMENT_TYPE]
        active = [
            event for event in life.events if event[names.TIMESTAMP] < t and self.is_active(event)
        ]
        of_kind = [event for event in active if self.type_of(event) == kind]
        begins, due = row.get(names.AVAILABLE_FROM), row.get(names.DUE)
        found: dict[str, Any] = {
            names.C_ID: engagement_id,
            names.C_TYPE: kind,
            **self.popularity(life.student.get(names.AUDIENCE) or "", engagement_id, t),
            **self.own_use(student_id, engagement_id, t),
            names.C_OWN_TYPE_SHARE: len(of_kind) / len(active) if active else 0,
            names.C_OWN_TYPE_COUNT_28: len(recent(of_kind, t, 28)),
            names.C_AVAILABLE_KNOWN: float(begins is not None),
            names.C_DAYS_AVAILABLE: to_days(t - begins) if begins is not None else 0,
            names.C_DUE_KNOWN: float(due is not None),
            names.C_DAYS_TO_DUE: to_days(due - t) if due is not None else 0,
        }
        prefix = names.CANDIDATE_PREFIX + names.ATTRIBUTE_INFIX
        for column, column_kind in self.config.tables.engagements.features.items():
            found.update(attribute(prefix + column, row.get(column), column_kind, t))
        return found

    def draw_probability(self, student_id: str, engagement_id: str, t: int) -> float:
        """That one draw among the offers of the day of t gives the engagement."""
        life, offered = self.lives[student_id], []
        day = t // DAY * DAY
        stop = day + DAY + self.config.ranking.window_days * DAY
        for key, row in self.engagements.items():
            begins, ends = row.get(names.AVAILABLE_FROM), row.get(names.AVAILABLE_TO)
            some_instant = (begins is None or begins < stop - 1) and (ends is None or ends > day)
            if some_instant and self.is_open(row, life):
                offered.append(key)
        _, events, _ = self.crowd(life.student.get(names.AUDIENCE) or "", t, 28)
        total = sum(events.get(key, 0) for key in offered)
        even = 1 / len(offered)
        if not total:
            return even
        share = self.config.ranking.popular_share
        return share * events.get(engagement_id, 0) / total + (1 - share) * even

    # Labels.

    def known(self, student_id: str, t: int, days: int, barrier: int | None) -> bool:
        life, end = self.lives[student_id], t + days * DAY
        if barrier is not None and end > barrier:
            return False
        return self.is_closed(life) or end <= self.observed_until(life)

    def _in_window(self, life: Life, time: int, t: int, days: int) -> bool:
        cohort = self.cohort(life)
        if self.is_closed(life) and cohort is not None and time > cohort[names.CLOSES]:
            return False
        return t <= time < t + days * DAY

    def labels(self, student_id: str, t: int, barrier: int | None = None) -> dict[str, Any]:
        life, horizons = self.lives[student_id], self.config.horizons
        place = self._stage_at(life, t)
        advanced = any(
            other > place and self._in_window(life, time, t, horizons.likelihood_days)
            for time, other in life.records
        )
        lost = life.lost_at is not None and self._in_window(
            life, life.lost_at, t, horizons.risk_days
        )
        silent = not any(
            self.is_active(row)
            and self._in_window(life, row[names.TIMESTAMP], t, horizons.risk_days)
            for row in life.events
        )
        goals = [
            place >= stage
            or any(
                other >= stage and self._in_window(life, time, t, horizons.goal_days)
                for time, other in life.records
            )
            for stage in range(len(self.config.stages))
        ]
        likelihood = self.known(student_id, t, horizons.likelihood_days, barrier)
        risk = self.known(student_id, t, horizons.risk_days, barrier)
        goal = self.known(student_id, t, horizons.goal_days, barrier)
        return {
            names.LIKELIHOOD_LABEL: float(advanced and likelihood),
            names.LIKELIHOOD_WEIGHT: float(likelihood),
            names.RISK_LABEL: float((lost or silent) and risk),
            names.RISK_WEIGHT: float(risk),
            names.GOAL_LABEL: [float(reached and goal) for reached in goals],
            names.GOAL_WEIGHT: [float(goal)] * len(goals),
        }

    def grades(self, student_id: str, t: int, barrier: int | None = None) -> dict[str, float]:
        """The highest grade of each engagement in the ranking window; none where unknown."""
        days = self.config.ranking.window_days
        if not self.known(student_id, t, days, barrier):
            return {}
        life, found = self.lives[student_id], {}
        for row in life.events:
            if self._in_window(life, row[names.TIMESTAMP], t, days):
                key = row[names.ENGAGEMENT_ID]
                found[key] = max(found.get(key, 0.0), self.grade(row))
        return {key: grade for key, grade in found.items() if grade > 0}

    def given(self, student_id: str, t: int, barrier: int | None = None) -> str | None:
        days = self.config.ranking.window_days
        if not self.known(student_id, t, days, barrier):
            return None
        life = self.lives[student_id]
        for row in life.events:
            if self._in_window(life, row[names.TIMESTAMP], t, days):
                key = str(row[names.ENGAGEMENT_ID])
                return key if key in self.eligible(student_id, t) else None
        return None


def recent(rows: Sequence[Row], t: int, days: int) -> list[Row]:
    """Those of [t - days, t); all of them where days is 0."""
    return [row for row in rows if not days or row[names.TIMESTAMP] >= t - days * DAY]


def attribute(key: str, value: Any, kind: Kind, t: int) -> dict[str, Any]:
    if kind in (Kind.CATEGORICAL, Kind.TEXT):
        return {key: value or ""}
    if value is None:
        return {key: 0.0, key + names.KNOWN_SUFFIX: 0.0}
    number = to_days(t - value) if kind is Kind.DATE else value
    return {key: number, key + names.KNOWN_SUFFIX: 1.0}
