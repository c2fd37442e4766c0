"""What conversion patterns hold: the document `patterns.json`.

ConversionPatterns writes it, GoalCalibrator and the serving layer read it, by
`schemas/patterns_files.py`. Every number is counted from training students in training
time. Shares and chances are in [0, 1], times are in days, and every interval is one of
`level`.
"""

from __future__ import annotations

import enum
from typing import Final

import numpy as np
import numpy.typing as npt
import pydantic

FORMAT: Final = 1
Reals = npt.NDArray[np.float32] | npt.NDArray[np.float64]


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class Chance(_Part):
    """A probability with its interval.

    Attributes:
      probability: None where nobody was observed.
      lower: lower end of the interval; 0 where nobody was observed.
      upper: upper end; 1 where nobody was observed.
    """

    probability: float | None = pydantic.Field(ge=0, le=1)
    lower: float = pydantic.Field(ge=0, le=1)
    upper: float = pydantic.Field(ge=0, le=1)


NOTHING_KNOWN: Final = Chance(probability=None, lower=0.0, upper=1.0)


class ChanceFromNowOn(_Part):
    """The chance within the goal horizon from now on, for who is in the stage this long.

    Attributes:
      days_in_stage: how long; the chance holds from there to the next entry's days.
      students: who were still in the stage then, and observed.
      reached: of these, seen to reach the later stage within the horizon.
      chance: by Aalen-Johansen, counted from `days_in_stage`.
    """

    days_in_stage: int = pydantic.Field(ge=0)
    students: int = pydantic.Field(ge=0)
    reached: int = pydantic.Field(ge=0)
    chance: Chance


class TypicalDays(_Part):
    """Quartiles of the days it took those that reach within the horizon."""

    lower_quartile: float = pydantic.Field(ge=0)
    median: float = pydantic.Field(ge=0)
    upper_quartile: float = pydantic.Field(ge=0)


class Transition(_Part):
    """From entering `from_stage` to reaching `to_stage` or a later one.

    Attributes:
      from_stage: entered, for the first time.
      to_stage: a later stage.
      observed: whether any student was seen to enter `from_stage`.
      entered: how many were.
      reached: of these, seen to reach within the goal horizon.
      lost: lost, or decided otherwise by the close of the cohort, before that.
      censored: no longer observed before either, or the horizon, came.
      chance: within the goal horizon of entering.
      days: how long it took those that reach within the horizon; None where none did.
      from_now_on: by the time already spent in `from_stage`, ascending; the first is at 0.
    """

    from_stage: str
    to_stage: str
    observed: bool
    entered: int = pydantic.Field(ge=0)
    reached: int = pydantic.Field(ge=0)
    lost: int = pydantic.Field(ge=0)
    censored: int = pydantic.Field(ge=0)
    chance: Chance
    days: TypicalDays | None
    from_now_on: tuple[ChanceFromNowOn, ...]

    def from_now_on_at(self, days_in_stage: float) -> ChanceFromNowOn:
        """The entry for who has been in the stage for so many days."""
        fitting = [each for each in self.from_now_on if each.days_in_stage <= days_in_stage]
        return fitting[-1] if fitting else self.from_now_on[0]


class Finding(str, enum.Enum):
    """What a lift amounts to.

    Attributes:
      EFFECTIVE: more move on after it than after what else was offered; q within the bound.
      NO_EVIDENCE: the data do not tell it from what else was offered.
      LESS_EFFECTIVE: fewer move on than after what else was offered; q within the bound.
      SELF_CHOSEN: whoever met it chose it, so that the lift may be the student's own
        interest: nothing is claimed.
    """

    EFFECTIVE = "effective"
    NO_EVIDENCE = "no_evidence"
    LESS_EFFECTIVE = "less_effective"
    SELF_CHOSEN = "self_chosen"


class Subject(str, enum.Enum):
    """What an effect is of."""

    TYPE = "type"
    ENGAGEMENT = "engagement"
    SEQUENCE = "sequence"


class Effect(_Part):
    """How many more move on after meeting something, than after meeting something else.

    Attributes:
      from_stage: stage of the students.
      subject: type, engagement, or sequence of types.
      name: engagement id, type, or types joined by " > ".
      types: the type of it, or the types of the sequence in their order.
      met: student-windows of `window_days` in which it was met.
      met_moved_on: of these, followed by moving on within the next such window.
      others: student-windows compared with, in which something else was met.
      others_moved_on: of these, followed by moving on.
      lift: ratio of the shares that move on, adjusted (Mantel-Haenszel) for week, time
        in stage, recency of the last activity and number of meetings in the window;
        None where nothing could be compared.
      lower: of the lift's interval.
      upper: of the lift's interval.
      q_value: Benjamini-Hochberg over all effects of one subject; None without a lift.
      finding: what follows.
    """

    from_stage: str
    subject: Subject
    name: str
    types: tuple[str, ...]
    met: int
    met_moved_on: int
    others: int
    others_moved_on: int
    lift: float | None
    lower: float | None
    upper: float | None
    q_value: float | None
    finding: Finding


class Indicator(_Part):
    """How a number of the state sets apart those that moved on.

    Attributes:
      from_stage: stage of the students.
      feature: key of the number, as in schemas/names.py.
      moved_on: students that moved on within the likelihood horizon.
      stayed: students that did not.
      mean_moved_on: of the feature.
      mean_stayed: of the feature.
      difference: of the means, adjusted for time in stage, in standard deviations.
      lower: of its interval.
      upper: of its interval.
      q_value: Benjamini-Hochberg over all indicators.
    """

    from_stage: str
    feature: str
    moved_on: int
    stayed: int
    mean_moved_on: float
    mean_stayed: float
    difference: float
    lower: float
    upper: float
    q_value: float


class Trait(_Part):
    """What sets a cluster apart: mean of a feature within, against all, in deviations."""

    feature: str
    difference: float
    mean: float
    overall_mean: float


class Cluster(_Part):
    """Students alike by their embedding.

    Attributes:
      name: in words, from its traits.
      students: states of the sample in it; one a student and stage.
      share: of the sample.
      centroid: mean of the unit-length embeddings, of width D.
      traits: largest differences first.
      stages: stage -> share of the cluster that is in it.
      conversion: stage -> chance to reach it or a later one within the goal horizon,
        of those not yet there; None where nobody is.
      likelihood: mean of what the model says of its states; None where it was not asked.
      risk: likewise.
    """

    name: str
    students: int
    share: float
    centroid: tuple[float, ...]
    traits: tuple[Trait, ...]
    stages: dict[str, float]
    conversion: dict[str, Chance | None]
    likelihood: float | None = None
    risk: float | None = None


class Clustering(_Part):
    """The clusters and how far they can be trusted.

    Attributes:
      clusters: largest first; empty where the sample was too small to find any.
      silhouette: mean over the sample, in [-1, 1]; the number of clusters maximises it
        among those that are stable.
      stability: mean adjusted Rand index between reseeded runs.
      reason: why there are no clusters, or none that are stable; "" otherwise.
    """

    clusters: tuple[Cluster, ...]
    silhouette: float | None
    stability: float | None
    reason: str

    def assign(self, embedding: Reals) -> npt.NDArray[np.int64]:
        """The nearest cluster of each embedding.

        Args:
          embedding: `[n, D]`.

        Returns:
          Places in `clusters`, `[n]`; -1 where there are none.
        """
        if not self.clusters:
            return np.full(len(embedding), -1, np.int64)
        centroids = np.array([each.centroid for each in self.clusters])
        unit = unit_length(embedding)
        distance = ((unit[:, None, :] - centroids[None, :, :]) ** 2).sum(axis=-1)
        nearest: npt.NDArray[np.int64] = distance.argmin(axis=1)
        return nearest


class SuccessfulPath(_Part):
    """Types that students met on their way to the next stage, in order of first meeting.

    Attributes:
      from_stage: where they were.
      to_stage: the next stage or a later one, reached.
      types: met actively in between, each named once; empty: none.
      students: how many of the sample took it, at least `smallest_group`.
      median_days: from the state of the sample to reaching.
    """

    from_stage: str
    to_stage: str
    types: tuple[str, ...]
    students: int
    median_days: float


class ConversionPatterns(_Part):
    """The whole document.

    Attributes:
      format: of this document.
      level: of every interval.
      false_discovery_rate: bound on q-values for a finding.
      smallest_group: no path or engagement that fewer students share is listed.
      horizon_days: the goal horizon.
      window_days: of the windows that effects are counted in.
      observed_until: ISO 8601, end of the training time; None: to the end of each cohort.
      students: training students counted.
      stages: in order.
      transitions: every pair from < to, by from and then to.
      effects: by stage, subject and then q-value.
      indicators: by stage and then size of the difference.
      clustering: of the student embeddings.
      paths: by stage, most taken first.
    """

    format: int = FORMAT
    level: float
    false_discovery_rate: float
    smallest_group: int
    horizon_days: int
    window_days: int
    observed_until: str | None
    students: int
    stages: tuple[str, ...]
    transitions: tuple[Transition, ...]
    effects: tuple[Effect, ...]
    indicators: tuple[Indicator, ...]
    clustering: Clustering
    paths: tuple[SuccessfulPath, ...]

    def transition(self, from_stage: str, to_stage: str) -> Transition:
        """The pair.

        Raises:
          KeyError: there is no such pair; `from_stage` must come before `to_stage`.
        """
        for each in self.transitions:
            if (each.from_stage, each.to_stage) == (from_stage, to_stage):
                return each
        raise KeyError((from_stage, to_stage))


def unit_length(embedding: Reals) -> npt.NDArray[np.float64]:
    """Rows `[n, D]` scaled to length 1; a row of zeros stays one."""
    length = np.linalg.norm(embedding, axis=1, keepdims=True)
    scaled: npt.NDArray[np.float64] = embedding / np.where(length > 0, length, 1.0)
    return scaled
