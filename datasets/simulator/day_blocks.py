"""One day of the chain as matrices.

Stages are left upwards only, so a day's transition matrix is two blocks for each class
and stage: one among the `LEVELS` = momentum x silence x fatigue states within the stage,
and one to the next stage, which is entered without momentum and silence and so in one of
the fatigue levels.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np

from datasets.simulator.model import (
    FATIGUE_LEVELS,
    MOMENTUM_LEVELS,
    OPEN_STAGES,
    SILENCE_LEVELS,
    DayKind,
    Floats,
    FunnelModel,
)

NO_CONTACT: Final = -1
LEVELS = MOMENTUM_LEVELS * SILENCE_LEVELS * FATIGUE_LEVELS


@dataclasses.dataclass(frozen=True)
class DayBlocks:
    """Transition probabilities of one day. What is missing to 1 in a row is loss.

    Attributes:
      within: [C, S, LEVELS, LEVELS], staying in the stage.
      upwards: [C, S, LEVELS, F], moving on a stage, by fatigue there.
    """

    within: Floats
    upwards: Floats

    def __add__(self, other: DayBlocks) -> DayBlocks:
        return DayBlocks(self.within + other.within, self.upwards + other.upwards)


@dataclasses.dataclass(frozen=True)
class Day:
    """A day's transitions, by whether an active response happens in it."""

    quiet: DayBlocks
    active: DayBlocks


def build_day(model: FunnelModel, kind: DayKind, forced: int | None = None) -> Day:
    """The matrices of a day.

    Args:
      model: the law.
      kind: of the day.
      forced: index of a contact type that comes for certain, or `NO_CONTACT`; None: by
        the policy.
    """
    contact = model.contact(kind)
    if forced is not None:
        contact = np.zeros_like(contact)
    if forced is not None and forced != NO_CONTACT:
        contact[..., forced] = 1.0
    advance = model.advance(kind)
    kept = 1.0 - model.loss[:, :, None, :]
    moving = kept * advance
    staying = kept * (1.0 - advance)
    return Day(_quiet(model, contact, moving, staying), _active(model, contact, moving, staying))


def _quiet(model: FunnelModel, contact: Floats, moving: Floats, staying: Floats) -> DayBlocks:
    """No active response: no contact, or one that is ignored.

    Letters in the sums: c class, s stage, m, u, f levels in the morning, n, v, g at
    night's end, k type.
    """
    hazards = model.parameters.hazards
    none = 1.0 - contact.sum(axis=-1)
    ignored = 1.0 - model.unsubscribe[:, None, :, :] - model.active
    met = np.einsum("csuk,cufk,ckfg->csufg", contact, ignored, _fatigue_after(model))
    rested = _falling(FATIGUE_LEVELS, hazards.fatigue_decay)
    within = np.einsum(
        "csufg,csmu,mn,uv->csmufnvg",
        met + np.einsum("csu,fg->csufg", none, rested),
        staying,
        _falling(MOMENTUM_LEVELS, hazards.momentum_decay),
        _rising(SILENCE_LEVELS, hazards.silence_rise),
        optimize=True,
    )
    upwards = np.einsum(
        "csufg,csmu->csmufg",
        met + np.einsum("csu,fg->csufg", none, np.eye(FATIGUE_LEVELS)),
        moving,
    )
    return _blocks(model, within, upwards)


def _active(model: FunnelModel, contact: Floats, moving: Floats, staying: Floats) -> DayBlocks:
    """An active response: momentum is lifted (to w), silence ends (v = 0)."""
    met = np.einsum(
        "csuk,cufk,ckfg,ksl->csufgl",
        contact,
        model.active,
        _fatigue_after(model),
        model.lift,
        optimize=True,
    )
    lifted = np.einsum("csufgl,lmw->csmufgw", met, _lifting())
    momentum = _falling(MOMENTUM_LEVELS, model.parameters.hazards.momentum_decay)
    not_silent = np.einsum(
        "csmufgw,csw,wn->csmufng", lifted, staying[..., 0], momentum, optimize=True
    )
    within = np.zeros((*not_silent.shape[:-1], SILENCE_LEVELS, FATIGUE_LEVELS))
    within[..., 0, :] = not_silent
    upwards = np.einsum("csmufgw,csw->csmufg", lifted, moving[..., 0])
    return _blocks(model, within, upwards)


def _blocks(model: FunnelModel, within: Floats, upwards: Floats) -> DayBlocks:
    lead = (model.classes, OPEN_STAGES, LEVELS)
    return DayBlocks(within.reshape(*lead, LEVELS), upwards.reshape(*lead, FATIGUE_LEVELS))


def _fatigue_after(model: FunnelModel) -> Floats:
    """[C, K, F, F], fatigue before and after a contact."""
    rise = model.fatigue_rise[:, :, None, None]
    after: Floats = (1.0 - rise) * np.eye(FATIGUE_LEVELS) + rise * _rising(FATIGUE_LEVELS, 1.0)
    return after


def _falling(levels: int, chance: float) -> Floats:
    """[levels, levels], falling by one with `chance`; level 0 stays."""
    return (1.0 - chance) * np.eye(levels) + chance * _shifted(levels, -1)


def _rising(levels: int, chance: float) -> Floats:
    """[levels, levels], rising by one with `chance`; the top level stays."""
    return (1.0 - chance) * np.eye(levels) + chance * _shifted(levels, 1)


def _shifted(levels: int, step: int) -> Floats:
    return np.eye(levels)[np.clip(np.arange(levels) + step, 0, levels - 1)]


def _lifting() -> Floats:
    """[level, M, M], momentum before and after a lift to the level."""
    levels = np.arange(MOMENTUM_LEVELS)
    lifting: Floats = np.eye(MOMENTUM_LEVELS)[np.maximum(levels[:, None], levels[None, :])]
    return lifting
