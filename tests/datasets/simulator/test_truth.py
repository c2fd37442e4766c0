"""True probabilities against closed forms, and against each other."""

from __future__ import annotations

import math

import numpy as np
import pytest

from datasets.simulator.day_blocks import build_day
from datasets.simulator.model import OPEN_STAGES, STATE_SHAPE, FunnelModel
from datasets.simulator.parameters import STAGES, funnel, placebo
from datasets.simulator.truth import Truth
from schemas.config import HorizonsConfig
from schemas.errors import InputError
from tests.datasets.simulator import worlds

STATES = np.arange(math.prod(STATE_SHAPE))
STAGE_OF = np.unravel_index(STATES, STATE_SHAPE)[0]
SHORT = HorizonsConfig(likelihood_days=5, risk_days=6, goal_days=9)


def _of_class(model, week=0, trait_class=0, horizons=SHORT, **options):
    classes = np.full(len(STATES), trait_class)
    return Truth(model, horizons).probabilities(week, classes, STATES, **options)


def _daily(rate):
    return 1.0 - math.exp(-rate)


def test_a_days_chances_sum_to_one():
    model = FunnelModel(funnel())
    for day in (0, 5, 7 * 8, 7 * 23):
        kind = model.day_kind(day)
        built = build_day(model, kind)
        both = built.quiet + built.active
        kept = both.within.sum(axis=-1) + both.upwards.sum(axis=-1)
        levels = kept.reshape(model.classes, *STATE_SHAPE)
        # Loss by hand: unsubscribing at the contact, else being lost at night. After an
        # active response the night's loss is that of a student who is not silent.
        contact = model.contact(kind)[:, :, :, None, :]
        gone = (contact * model.unsubscribe[:, None, None]).sum(axis=-1)
        answered = (contact * model.active[:, None]).sum(axis=-1)
        night = model.loss[..., None]
        awake = model.loss[:, :, :1, None]
        lost = gone + answered * awake + (1 - gone - answered) * night
        np.testing.assert_allclose(levels, np.repeat(1 - lost[:, :, None], 3, axis=2), atol=1e-12)


def test_likelihood_is_that_of_two_competing_constant_hazards():
    true = _of_class(FunnelModel(worlds.memoryless()))
    loss = _daily(worlds.LOSS_RATE)
    for stage in range(OPEN_STAGES):
        advance = _daily(worlds.ADVANCE_RATES[STAGES[stage]])
        stay = (1 - loss) * (1 - advance)
        expected = sum(stay**day * (1 - loss) * advance for day in range(5))
        np.testing.assert_allclose(true.likelihood[stage == STAGE_OF], expected, atol=1e-12)


def test_goal_is_the_sum_over_the_days_on_which_stages_can_be_left():
    true = _of_class(FunnelModel(worlds.memoryless()))
    kept = 1 - _daily(worlds.LOSS_RATE)
    first, second = (_daily(worlds.ADVANCE_RATES[stage]) for stage in STAGES[:2])
    expected = 0.0
    for leaving_first in range(9):
        for leaving_second in range(leaving_first + 1, 9):
            waiting = leaving_second - leaving_first - 1
            expected += (
                (kept * (1 - first)) ** leaving_first * kept * first
                * (kept * (1 - second)) ** waiting * kept * second
            )  # fmt: skip
    np.testing.assert_allclose(true.goal[STAGE_OF == 0, 2], expected, atol=1e-12)
    assert (true.goal[:, 0] == 1).all()
    assert (true.goal[STAGE_OF == 2, :3] == 1).all()


def test_without_any_contact_risk_is_certain():
    true = _of_class(FunnelModel(worlds.memoryless()))
    np.testing.assert_allclose(true.risk, 1.0, atol=1e-12)


def test_risk_with_visits_only():
    model = FunnelModel(worlds.memoryless(advance=False, visit_rate=0.1))
    kept, visit = 1 - _daily(worlds.LOSS_RATE), _daily(0.1)
    expected = 1 - (kept**6 - (kept * (1 - visit)) ** 6)
    np.testing.assert_allclose(_of_class(model).risk, expected, atol=1e-12)


def test_goals_never_rise_with_the_stage_asked_for():
    true = _of_class(FunnelModel(funnel()), week=20, trait_class=30, horizons=HorizonsConfig())
    assert (np.diff(true.goal, axis=1) <= 1e-12).all()
    assert (true.goal[:, 1:] > 0).all()
    for values in (true.likelihood, true.risk):
        assert ((values > 0) & (values < 1)).all()


def test_the_likelihood_is_the_goal_of_the_next_stage_over_the_same_horizon():
    same = HorizonsConfig(likelihood_days=30, risk_days=1, goal_days=30)
    true = _of_class(FunnelModel(funnel()), week=18, trait_class=11, horizons=same)
    np.testing.assert_allclose(true.likelihood, true.goal[STATES, STAGE_OF + 1], atol=1e-12)


def test_the_world_repeats_every_year_and_not_before():
    model = FunnelModel(funnel())
    np.testing.assert_array_equal(
        _of_class(model, week=3).likelihood, _of_class(model, week=55).likelihood
    )
    assert not np.allclose(_of_class(model, week=3).goal, _of_class(model, week=21).goal)


def _fresh(model, stage, first_contact):
    """Mean likelihood over classes of a fresh student in a stage, given a first contact."""
    state = np.ravel_multi_index((STAGES.index(stage), 0, 0, 0), STATE_SHAPE)
    classes = np.arange(model.classes)
    truth = Truth(model, HorizonsConfig())
    true = truth.probabilities(
        10, classes, np.full(len(classes), state), first_contact=first_contact
    )
    return true.likelihood.mean()


def test_an_effective_first_contact_raises_the_likelihood_and_a_useless_one_does_not():
    model = FunnelModel(funnel())
    assert (
        _fresh(model, "Application", "advisor_meeting") > _fresh(model, "Application", None) + 0.05
    )
    assert _fresh(model, "Application", "email") < _fresh(model, "Application", None)
    # The same type is useless in a stage in which nothing was planted for it.
    assert _fresh(model, "Interest", "workshop") < _fresh(model, "Interest", "campus_visit") - 0.05


def test_without_effects_types_differ_only_by_the_silence_they_break():
    model = FunnelModel(placebo())
    chances = [_fresh(model, "Awareness", name) for name in model.type_names]
    assert max(chances) - min(chances) < 0.02


def test_an_unknown_first_contact_is_refused():
    with pytest.raises(InputError, match=r"'carrier_pigeon'.*use one of email, sms"):
        _of_class(FunnelModel(funnel()), first_contact="carrier_pigeon")
