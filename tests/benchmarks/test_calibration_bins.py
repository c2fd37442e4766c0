from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.quality_parts.calibration_bins import BINS, CalibrationBins


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


def test_the_error_is_the_mean_gap_of_bins_of_equal_mass() -> None:
    # Bins {.1, .3} and {.6, .8}: |.4 - 1| + |1.4 - 2| = 1.2, over 4 rows.
    bins = CalibrationBins(floats(0, 1, 1, 1), floats(0.1, 0.3, 0.6, 0.8), bins=2)
    assert bins.error() == pytest.approx(0.3)


def test_gaps_of_one_bin_cancel_and_of_two_do_not() -> None:
    labels, predictions = floats(1, 0), floats(0.4, 0.6)
    assert CalibrationBins(labels, predictions, bins=1).error() == pytest.approx(0)
    assert CalibrationBins(labels, predictions, bins=2).error() == pytest.approx(0.6)


def test_there_are_fifteen_bins_whatever_the_spread_of_predictions() -> None:
    predictions = 0.5 + (np.arange(30) - 14.5) ** 3 / 10_000  # most are close to .5
    labels = (np.arange(30) % 3 == 0).astype(np.float64)
    assert BINS == 15
    gaps = np.abs((predictions - labels).reshape(15, 2).sum(axis=1))
    shuffled = np.random.default_rng(1).permutation(30)
    found = CalibrationBins(labels[shuffled], predictions[shuffled]).error()
    assert found == pytest.approx(gaps.sum() / 30)


def test_equal_predictions_share_a_bin() -> None:
    labels = floats(*[1] * 10, *[0] * 30)
    assert CalibrationBins(labels, np.full(40, 0.25)).error() == pytest.approx(0)
    assert CalibrationBins(labels, np.full(40, 0.45)).error() == pytest.approx(0.2)


def test_weights_move_no_bin() -> None:
    bins = CalibrationBins(floats(0, 1, 1, 1), floats(0.1, 0.3, 0.6, 0.8), bins=2)
    # Only .3 -> 1 and .6 -> 1 twice: .7 + 2 x .4 over 3.
    assert bins.error(floats(0, 1, 2, 0)) == pytest.approx(1.5 / 3)
    assert math.isnan(bins.error(floats(0, 0, 0, 0)))


def test_nothing_has_no_error() -> None:
    assert math.isnan(CalibrationBins(floats(), floats()).error())


def test_noise_is_what_chance_alone_would_add() -> None:
    # Four rows at .5: |k / 4 - .5| with k of Binomial(4, .5), in the mean
    # 2 x 1/16 x .5 + 2 x 4/16 x .25 = .1875.
    four = CalibrationBins(floats(1, 1, 1, 1), np.full(4, 0.5))
    assert four.noise(4000, seed=1) == pytest.approx(0.1875, abs=0.01)
    assert four.noise(10, seed=1) == four.noise(10, seed=1)
    sure = CalibrationBins(floats(0, 1), floats(0, 1), bins=2)
    assert sure.noise(10, seed=1) == 0
