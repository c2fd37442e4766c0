"""From counted windows to lifts, corrected for their number."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from components.conversion_patterns.effect_counts import (
    CHOSEN,
    NO_TYPE,
    OFFERED,
    STAGE,
    STRATUM_WIDTH,
    EffectCounts,
)
from components.conversion_patterns.false_discovery import q_values
from components.conversion_patterns.mantel_haenszel import Ratio, Reals, Strata, pooled_ratio
from components.conversion_patterns.strata import Codes, Tally
from components.conversion_patterns.student_windows import Flags
from schemas.config import PatternsConfig
from schemas.conversion_patterns import Effect, Finding, Subject

SEQUENCE_SEPARATOR = " > "


@dataclasses.dataclass(frozen=True, eq=False)
class Catalogue:
    """Names of what can be met.

    Attributes:
      stages: in order.
      types: names of the types, `T`.
      engagements: ids, `E`.
      type_of: type of each engagement, `[E]`.
      self_chosen: bool `[T]`.
    """

    stages: Sequence[str]
    types: Sequence[str]
    engagements: Sequence[str]
    type_of: Codes
    self_chosen: Flags

    def name(self, subject: Subject, code: Codes) -> str:
        """Of what a code `[1]` or `[LONGEST_SEQUENCE]` stands for."""
        if subject is Subject.ENGAGEMENT:
            return self.engagements[int(code[0])]
        return SEQUENCE_SEPARATOR.join(self.types[each] for each in self._types(subject, code))

    def type_names(self, subject: Subject, code: Codes) -> tuple[str, ...]:
        """The type, or the types of a sequence."""
        return tuple(self.types[each] for each in self._types(subject, code))

    def is_self_chosen(self, subject: Subject, code: Codes) -> bool:
        """Whether students choose it themselves; sequences are of offered types alone."""
        return any(bool(self.self_chosen[each]) for each in self._types(subject, code))

    def _types(self, subject: Subject, code: Codes) -> list[int]:
        if subject is Subject.ENGAGEMENT:
            return [int(self.type_of[int(code[0])])]
        return [int(each) for each in code if each != NO_TYPE]


def describe_effects(
    counts: EffectCounts, catalogue: Catalogue, patterns: PatternsConfig
) -> tuple[Effect, ...]:
    """Everything met often enough, by stage, subject and q-value.

    Args:
      counts: of all partitions.
      catalogue: names.
      patterns: bounds, and the level of intervals.
    """
    listed: list[Effect] = []
    for subject in counts.met:
        found = list(_compared(subject, counts, catalogue, patterns))
        tested = [place for place, (effect, _) in enumerate(found) if effect.lift is not None]
        adjusted = q_values(np.array([found[place][1].p_value for place in tested]))
        q_of = dict(zip(tested, adjusted.tolist(), strict=True))
        for place, (effect, _) in enumerate(found):
            listed.append(_with_finding(effect, q_of.get(place), patterns))
    order = {stage: place for place, stage in enumerate(catalogue.stages)}
    subjects = list(counts.met)
    return tuple(
        sorted(
            listed,
            key=lambda each: (
                order[each.from_stage],
                subjects.index(each.subject),
                1.0 if each.q_value is None else each.q_value,
                each.name,
            ),
        )
    )


def _compared(
    subject: Subject, counts: EffectCounts, catalogue: Catalogue, patterns: PatternsConfig
) -> Iterator[tuple[Effect, Ratio]]:
    met, pool = counts.met[subject], counts.pool[subject]
    offers, choices = _Pooled.of(met, pool, CHOSEN), _Pooled.of(met, pool, OFFERED)
    columns = [STAGE, *range(STRATUM_WIDTH, met.keys.shape[1])]
    for rows in _groups(met.keys[:, columns]):
        if met.windows[rows].sum() < patterns.smallest_exposure:
            continue
        code = met.keys[rows[0], STRATUM_WIDTH:]
        own_choice = catalogue.is_self_chosen(subject, code)
        strata = (choices if own_choice else offers).strata(met, rows)
        ratio = pooled_ratio(strata, level=patterns.level)
        named = _Named(
            stage=catalogue.stages[int(met.keys[rows[0], STAGE])],
            subject=subject,
            name=catalogue.name(subject, code),
            types=catalogue.type_names(subject, code),
            self_chosen=own_choice,
        )
        yield _effect(named, strata, ratio), ratio


def _groups(codes: Codes) -> Iterator[Codes]:
    """Places of the rows of each distinct code."""
    if not len(codes):
        return
    order = np.lexsort(codes.T[::-1])
    ordered = codes[order]
    fresh = np.ones(len(codes), bool)
    fresh[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    yield from np.split(order, np.flatnonzero(fresh)[1:])


@dataclasses.dataclass(frozen=True, eq=False)
class _Pooled:
    """All windows of each stratum, one column of the strata left out of account.

    What was offered is compared among windows with as many offers, what students chose
    among windows with as many choices. The number of the others is no part of the
    stratum: it may be what the meeting led to.

    Attributes:
      stratum_of_met: stratum of each key of what was met.
      windows: float64, by stratum.
      moved: likewise.
    """

    stratum_of_met: Codes
    windows: Reals
    moved: Reals

    @classmethod
    def of(cls, met: Tally, pool: Tally, left_out: int) -> _Pooled:
        keys = np.concatenate([met.keys[:, :STRATUM_WIDTH], pool.keys])
        keys[:, left_out] = 0
        distinct, place = np.unique(keys, axis=0, return_inverse=True)
        own, everyone = np.split(np.asarray(place).reshape(-1), [len(met)])
        size = len(distinct)
        return cls(
            own,
            np.bincount(everyone, weights=pool.windows, minlength=size).astype(np.float64),
            np.bincount(everyone, weights=pool.moved, minlength=size).astype(np.float64),
        )

    def strata(self, met: Tally, rows: Codes) -> Strata:
        """The strata in which something was met."""
        used, place = np.unique(self.stratum_of_met[rows], return_inverse=True)
        return Strata(
            met=np.bincount(place, weights=met.windows[rows]).astype(np.float64),
            met_moved=np.bincount(place, weights=met.moved[rows]).astype(np.float64),
            all=self.windows[used],
            all_moved=self.moved[used],
        )


@dataclasses.dataclass(frozen=True)
class _Named:
    """What an effect is of."""

    stage: str
    subject: Subject
    name: str
    types: tuple[str, ...]
    self_chosen: bool


def _effect(named: _Named, strata: Strata, ratio: Ratio) -> Effect:
    return Effect(
        from_stage=named.stage,
        subject=named.subject,
        name=named.name,
        types=named.types,
        met=int(strata.met.sum()),
        met_moved_on=int(strata.met_moved.sum()),
        others=int((strata.all - strata.met).sum()),
        others_moved_on=int((strata.all_moved - strata.met_moved).sum()),
        lift=ratio.value,
        lower=ratio.lower,
        upper=ratio.upper,
        q_value=None,
        finding=Finding.SELF_CHOSEN if named.self_chosen else Finding.NO_EVIDENCE,
    )


def _with_finding(effect: Effect, q_value: float | None, patterns: PatternsConfig) -> Effect:
    finding = effect.finding
    convincing = q_value is not None and q_value <= patterns.false_discovery_rate
    if convincing and effect.lift is not None and finding is Finding.NO_EVIDENCE:
        finding = Finding.EFFECTIVE if effect.lift > 1 else Finding.LESS_EFFECTIVE
    return effect.model_copy(update={"q_value": q_value, "finding": finding})
