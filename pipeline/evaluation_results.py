"""Reads what Evaluator measured, and what blocked the blessing."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import tensorflow_model_analysis as tfma

from components.evaluator.simple_peers import PEERS_FILE
from pipeline.eval_config import BASELINE_MODEL, CANDIDATE_MODEL
from pipeline.missed_threshold import MissedThreshold

OVERALL: Final = "overall"
_DIFF: Final = "_diff"

HeadMetrics = Mapping[str, Mapping[str, "float | None"]]


def read_metrics(evaluation: Path, *, has_baseline: bool) -> dict[str, HeadMetrics]:
    """The metrics of the model, by slice and head.

    Args:
      evaluation: folder of the `ModelEvaluation` artifact.
      has_baseline: two models were evaluated.

    Returns:
      Slice (`overall`, or `stage=Applied`) -> head -> metric -> value, None where it
      is not a number. Differences from the baseline are left out.
    """
    return _read(evaluation, CANDIDATE_MODEL if has_baseline else None)


def read_baseline_metrics(evaluation: Path) -> dict[str, HeadMetrics]:
    """The same for the baseline model."""
    return _read(evaluation, BASELINE_MODEL)


def read_missed_thresholds(evaluation: Path) -> list[MissedThreshold]:
    """The thresholds that the model missed; empty where it missed none."""
    result = tfma.load_validation_result(str(evaluation))
    peers = _read_peers(evaluation / PEERS_FILE)
    return [
        _with_peer(_missed(failure), peers)
        for sliced in result.metric_validations_per_slice
        for failure in sliced.failures
    ]


def _read_peers(path: Path) -> dict[str, tuple[str, float]]:
    """Head -> peer and figure; empty where thresholds were not raised."""
    if not path.is_file():
        return {}
    document = json.loads(path.read_text(encoding="utf-8"))
    return {
        head: (told["peer"], told["figure"])
        for head, told in document.items()
        if told["figure"] is not None
    }


def _with_peer(missed: MissedThreshold, peers: Mapping[str, tuple[str, float]]) -> MissedThreshold:
    peer, figure = peers.get(missed.head, ("", math.nan))
    if missed.is_change or not math.isclose(missed.at_least, figure, rel_tol=1e-9):
        return missed
    return dataclasses.replace(missed, peer=peer)


def _read(evaluation: Path, model_name: str | None) -> dict[str, HeadMetrics]:
    result = tfma.load_eval_result(str(evaluation), model_name=model_name)
    sliced = {
        _slice_name(key): {head: _values(metrics[""]) for head, metrics in heads.items()}
        for key, heads in result.slicing_metrics
    }
    return dict(sorted(sliced.items(), key=lambda item: (item[0] != OVERALL, item[0])))


def _slice_name(key: tuple[tuple[str, Any], ...]) -> str:
    return ", ".join(f"{column}={value}" for column, value in key) or OVERALL


def _values(metrics: Mapping[str, Mapping[str, float]]) -> dict[str, float | None]:
    return {
        name: _number(value.get("doubleValue"))
        for name, value in metrics.items()
        if not name.endswith(_DIFF)
    }


def _number(value: Any) -> float | None:
    if value is None or not math.isfinite(float(value)):
        return None
    return float(value)


def _missed(failure: Any) -> MissedThreshold:
    is_change = failure.metric_threshold.HasField("change_threshold")
    threshold = failure.metric_threshold
    at_least = (
        threshold.change_threshold.absolute.value
        if is_change
        else threshold.value_threshold.lower_bound.value
    )
    value = failure.metric_value.double_value.value if failure.HasField("metric_value") else None
    return MissedThreshold(
        head=failure.metric_key.output_name,
        metric=failure.metric_key.name,
        value=_number(value),
        at_least=at_least,
        is_change=is_change,
    )
