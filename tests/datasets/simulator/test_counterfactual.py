"""What would have happened, against the law of total probability."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from datasets.simulator.counterfactual import Counterfactual
from datasets.simulator.model import STATE_SHAPE, FunnelModel
from datasets.simulator.parameters import funnel, placebo
from datasets.simulator.simulate import simulate
from datasets.simulator.tables import STATE, TRAIT_CLASS
from datasets.simulator.truth import NOTHING, Truth
from schemas import names
from schemas.config import HorizonsConfig
from schemas.errors import InputError

START = dt.date(2024, 9, 2)
HORIZONS = HorizonsConfig(likelihood_days=5, risk_days=6, goal_days=21)
STATES = np.arange(math.prod(STATE_SHAPE))
STAGE_OF, MOMENTUM, SILENCE, _ = np.unravel_index(STATES, STATE_SHAPE)


def _snapshots(weeks: list[int], trait_class: int = 20) -> pl.DataFrame:
    """Every state in each of the given weeks."""
    midnight = dt.datetime.combine(START, dt.time(), tzinfo=dt.timezone.utc)
    times = [midnight + dt.timedelta(weeks=week) for week in weeks for _ in STATES]
    return pl.DataFrame(
        {
            names.SNAPSHOT_TIME: pl.Series(times).cast(pl.Datetime("us", "UTC")),
            TRAIT_CLASS: pl.Series([trait_class] * len(times), dtype=pl.Int16),
            STATE: pl.Series(np.tile(STATES, len(weeks)), dtype=pl.Int16),
        }
    )


def test_the_policys_chance_is_the_mean_over_what_it_sends_and_over_nothing() -> None:
    model = FunnelModel(funnel())
    world = Counterfactual(model, HORIZONS, START)
    snapshots = _snapshots([3])
    sent = model.contact(model.day_kind(21))[20][STAGE_OF, SILENCE]
    shares = np.concatenate([1 - sent.sum(axis=1, keepdims=True), sent], axis=1)
    given = [world.probabilities(snapshots, contact) for contact in world.contacts]
    usual = world.probabilities(snapshots)
    for field in ("likelihood", "risk"):
        mixed = sum(shares[:, i] * getattr(each, field) for i, each in enumerate(given))
        np.testing.assert_allclose(mixed, getattr(usual, field), atol=1e-12)
    mixed = sum(shares[:, i, None] * each.goal for i, each in enumerate(given))
    np.testing.assert_allclose(mixed, usual.goal, atol=1e-12)


def test_rows_of_several_weeks_come_back_in_their_order() -> None:
    model = FunnelModel(funnel())
    world, truth = Counterfactual(model, HORIZONS, START), Truth(model, HORIZONS)
    both = world.probabilities(_snapshots([30, 2]), "workshop")
    classes = np.full(len(STATES), 20)
    for rows, week in ((slice(0, len(STATES)), 30), (slice(len(STATES), None), 2)):
        alone = truth.probabilities(week, classes, STATES, first_contact="workshop")
        np.testing.assert_array_equal(both.goal[rows], alone.goal)


def test_a_planted_contact_gains_and_one_of_no_effect_gains_nothing_in_a_placebo_world() -> None:
    fresh = (STAGE_OF == 1) & (MOMENTUM == 0) & (SILENCE == 0)
    snapshots = _snapshots([8]).filter(pl.Series(fresh))
    world = Counterfactual(FunnelModel(funnel()), HORIZONS, START)
    gains = dict(zip(world.contacts, world.gains(snapshots, "Consideration").T, strict=True))
    assert (gains[NOTHING] == 0).all()
    assert (gains["campus_visit"] > 0.01).all()
    assert (gains["campus_visit"] > gains["email"] + 0.01).all()
    control = Counterfactual(FunnelModel(placebo()), HORIZONS, START)
    gains = dict(zip(control.contacts, control.gains(snapshots, "Consideration").T, strict=True))
    assert (np.abs(gains["campus_visit"]) < 0.003).all()  # it may end a silence or tire


def test_a_folder_gives_the_world_that_wrote_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    simulate(folder, students=40, seed=5, weeks=20)
    rows = pl.read_parquet(folder / "truth.parquet")
    usual = Counterfactual.of_folder(folder).probabilities(rows)
    np.testing.assert_allclose(usual.likelihood, rows[names.LIKELIHOOD].to_numpy())
    np.testing.assert_allclose(usual.goal[:, 3], rows["goal_Application"].to_numpy())


def test_what_does_not_exist_is_named(tmp_path: Path) -> None:
    world = Counterfactual(FunnelModel(funnel()), HORIZONS, START)
    with pytest.raises(InputError, match="'fax'"):
        world.probabilities(_snapshots([0]), "fax")
    with pytest.raises(InputError, match="'Alumni'"):
        world.gains(_snapshots([0]), "Alumni")
    with pytest.raises(InputError, match=r"truth\.json"):
        Counterfactual.of_folder(tmp_path)
    (tmp_path / "truth.json").write_text(json.dumps({"profile": "funnel"}), encoding="utf-8")
    with pytest.raises(InputError, match="start"):
        Counterfactual.of_folder(tmp_path)
