from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.quality_parts import figures, probability_views, ranking_views
from benchmarks.quality_parts.asked import number, what_was_asked, with_interval
from benchmarks.quality_parts.report import add_results
from schemas import names


def metric(ours: float, peer: float, low: float, high: float, name: str) -> dict[str, Any]:
    return {
        "methods": {figures.OURS: [ours, ours, ours], name: [peer, peer, peer]},
        "best_peer": name,
        "differences": {name: [ours - peer, low, high]},
    }


def results(*, loss: tuple[float, float, float, float], ndcg: float) -> dict[str, Any]:
    pooled = {
        "rows": 10,
        "students": 3,
        "positives": 4,
        "metrics": {
            figures.AUC: metric(0.7, 0.69, -0.001, 0.02, figures.LIGHTGBM),
            figures.LOG_LOSS: metric(*loss, figures.LIGHTGBM),
            figures.ECE: metric(0.021, 0.01, 0.001, 0.02, figures.LIGHTGBM),
        },
    }
    empty = {"rows": 0, "students": 0, "positives": 0, "metrics": {}}
    head = dict.fromkeys(
        (
            probability_views.ACTIVE,
            probability_views.NO_EVENT,
            probability_views.ONE_EVENT,
            probability_views.GIVEN,
        ),
        empty,
    )
    worst = {
        "slice": "gender",
        "value": "",
        "rows": 500,
        "noise": 0.03,
        "ece": {figures.OURS: 0.039},
    }
    ranking = {
        "lists": 5,
        "students": 3,
        "candidates": 50,
        "metrics": {figures.NDCG: metric(ndcg, 0.5, 0.01, 0.03, figures.LAMBDA_RANK)},
    }
    return {
        "version": 12,
        "as_of": "2025-08-31T00:00:00+00:00",
        "trials": 2,
        "resamples": 20,
        "splits": {"eval": {"snapshots": 10, "students": 3}},
        names.LIKELIHOOD: {probability_views.POOLED: pooled, **head},
        names.RISK: {probability_views.POOLED: {**empty}, **head},
        "slices": {names.LIKELIHOOD: [worst], names.RISK: []},
        "truth": {names.LIKELIHOOD: None, names.RISK: None},
        "ranking": {ranking_views.ALL: ranking},
        "chosen": {},
    }


def lines(found: dict[str, Any]) -> dict[str, tuple[bool, bool | None]]:
    return {line.figure: (line.met, line.sure) for line in what_was_asked(found)}


def test_better_is_lower_for_losses_and_sure_where_the_whole_interval_is() -> None:
    found = lines(results(loss=(0.5, 0.52, -0.03, -0.01), ndcg=0.52))
    assert found["likelihood, AUC"] == (True, False)
    assert found["likelihood, log loss"] == (True, True)
    worse = lines(results(loss=(0.53, 0.52, -0.001, 0.02), ndcg=0.52))
    assert worse["likelihood, log loss"] == (False, False)


def test_bounds_are_held_against_the_point_estimate() -> None:
    found = lines(results(loss=(0.5, 0.52, -0.03, -0.01), ndcg=0.52))
    assert found["likelihood, ECE"] == (False, None)  # .021
    assert found["likelihood, ECE of the worst slice (gender (none))"] == (True, None)


@pytest.mark.parametrize(("ndcg", "met"), [(0.514, False), (0.516, True)])
def test_ranking_must_lead_by_three_per_cent(ndcg: float, met: bool) -> None:
    found = lines(results(loss=(0.5, 0.52, -0.03, -0.01), ndcg=ndcg))
    assert found["ranking, NDCG@10"] == (met, False)  # .01 is less than .015


def test_numbers_are_short_and_nothing_is_a_dash() -> None:
    assert number(0.71234) == ".7123"
    assert number(-0.00456, signed=True) == "-.0046"
    assert number(0.2, signed=True) == "+.2000"
    assert number(1.0) == "1.0000"
    assert number(10.5) == "10.5000"
    assert number(None) == "-"
    assert with_interval([0.5, 0.4, 0.6]) == ".5000 (.4000 to .6000)"
    assert with_interval([0.5, None, None]) == ".5000"


def test_a_data_set_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "QUALITY.json"
    first = results(loss=(0.5, 0.52, -0.03, -0.01), ndcg=0.52)
    add_results(path, "one", first)
    add_results(path, "two", first)
    add_results(path, "one", {**first, "version": 99})
    stored = json.loads(path.read_text())["data_sets"]
    assert [stored[name]["version"] for name in ("one", "two")] == [99, 12]
    text = (tmp_path / "QUALITY.md").read_text()
    assert text.index("## one") < text.index("version 99") < text.index("## two")
    assert text.count("version 12") == 1
    assert "| likelihood, AUC | .7000 | .6900 (LightGBM) |" in text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["QUALITY.json", "QUALITY.md"]
