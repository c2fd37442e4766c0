"""An explanation that is of another number, or does not add up, is found."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from components.model_validator.attribution import check_attribution
from schemas import names

Array = npt.NDArray[np.generic]
LISTED = np.array([[True, True], [True, False], [False, False]])
PARTS = np.array([[0.5, -1.0, 0.2], [0.1, 0.1, 0.1], [2.0, 0.0, -0.5]])
BASELINE = np.array([-1.0, 0.3, 0.0])
SCORE = BASELINE + PARTS.sum(axis=1)


def answer(**changed: Array) -> dict[str, Array]:
    return {
        names.ATTRIBUTION: PARTS,
        names.ATTRIBUTED_SCORE: SCORE,
        names.ATTRIBUTION_BASELINE: BASELINE,
        names.COMPLETENESS_ERROR: np.array([0.001, 0.009, 0.0]),
        **changed,
    }


def predicted() -> dict[str, Array]:
    chance = 1 / (1 + np.exp(-SCORE))
    lists = {
        key: np.stack([value, value], axis=1)
        for key, value in (
            (names.RANKING_SCORE, SCORE),
            (names.LIKELIHOOD_GIVEN, chance),
            (names.RISK_GIVEN, chance),
        )
    }
    return {names.LIKELIHOOD: chance, names.RISK: chance, **lists}


def failures(head: str = "", **changed: Array) -> str:
    answers = {
        key: answer(**changed) if key == head else answer() for key in names.ATTRIBUTED_HEADS
    }
    return check_attribution("attribution", answers, predicted(), LISTED).detail


def test_explanations_that_add_up_pass() -> None:
    answers = {key: answer() for key in names.ATTRIBUTED_HEADS}
    result = check_attribution("attribution", answers, predicted(), LISTED)
    assert result.passed
    assert "0.90%" in result.detail


@pytest.mark.parametrize("head", names.ATTRIBUTED_HEADS)
def test_an_explanation_of_another_number(head: str) -> None:
    found = failures(head, score=SCORE + 0.05, baseline=BASELINE + 0.05)
    assert f"{head}: what is explained differs from what is predicted" in found


@pytest.mark.parametrize("head", names.ATTRIBUTED_HEADS)
def test_parts_that_do_not_add_up(head: str) -> None:
    found = failures(head, attribution=PARTS + np.array([0.01, 0.0, 0.0]))
    assert f"{head}: attributions miss the score less the baseline by 0.01" in found


@pytest.mark.parametrize("error", [0.02, np.nan])
def test_an_integral_that_leaves_too_much(error: float) -> None:
    found = failures(names.RISK, completeness_error=np.array([0.0, error, 0.0]))
    assert "risk: " in found
    assert "is unexplained" in found


def test_rows_without_an_engagement_do_not_count_for_its_heads() -> None:
    wrong = np.array([SCORE[0], SCORE[1], names.PAD_SCORE])
    assert "ranking_score" not in failures(names.RANKING_SCORE, score=wrong)
    assert "risk" in failures(names.RISK, score=wrong)
