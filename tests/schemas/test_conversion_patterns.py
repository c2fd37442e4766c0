"""The document of conversion patterns: written, read elsewhere, compared by value."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from schemas import conversion_patterns as cp
from schemas import patterns_files as files


def _transition(**changes: object) -> cp.Transition:
    entry = {"days_in_stage": 0, "students": 4, "reached": 1}
    half = cp.Chance(probability=0.5, lower=0.2, upper=0.8)
    later = cp.ChanceFromNowOn(days_in_stage=14, students=2, reached=0, chance=cp.NOTHING_KNOWN)
    values: dict[str, object] = {
        "from_stage": "A",
        "to_stage": "B",
        "observed": True,
        "entered": 4,
        "reached": 1,
        "lost": 1,
        "censored": 2,
        "chance": half,
        "days": cp.TypicalDays(lower_quartile=1, median=2, upper_quartile=3),
        "from_now_on": (cp.ChanceFromNowOn(chance=half, **entry), later),
    }
    return cp.Transition.model_validate(values | changes)


def _cluster(centroid: tuple[float, ...]) -> cp.Cluster:
    return cp.Cluster(
        name="quiet",
        students=1,
        share=0.5,
        centroid=centroid,
        traits=(),
        stages={"A": 1.0},
        conversion={"B": None},
    )


def _patterns() -> cp.ConversionPatterns:
    clusters = (_cluster((1.0, 0.0)), _cluster((0.0, 1.0)))
    return cp.ConversionPatterns(
        level=0.95,
        false_discovery_rate=0.05,
        smallest_group=5,
        horizon_days=90,
        window_days=7,
        observed_until=None,
        students=4,
        stages=("A", "B"),
        transitions=(_transition(),),
        effects=(),
        indicators=(),
        clustering=cp.Clustering(clusters=clusters, silhouette=0.5, stability=1.0, reason=""),
        paths=(),
    )


def _journeys() -> pa.Table:
    row = {
        files.EMBEDDING: [0.5, -0.5],
        files.FROM_STAGE: "A",
        files.DAYS_IN_STAGE: 3.0,
        files.REACHED_STAGE: "B",
        files.DAYS_TO_REACH: 10.0,
        files.TYPES_MET: ["email"],
        files.ENGAGEMENTS_MET: [],
    }
    return pa.Table.from_pylist([row], files.JOURNEYS_SCHEMA)


def test_written_and_read_again_it_is_the_same(tmp_path: Path) -> None:
    files.write_patterns(tmp_path, _patterns(), _journeys())
    assert files.read_patterns(tmp_path) == _patterns()
    assert files.read_journeys(tmp_path).equals(_journeys())
    assert files.read_journeys(tmp_path, [files.FROM_STAGE]).column_names == [files.FROM_STAGE]


def test_the_time_in_stage_chooses_the_last_entry_not_after_it() -> None:
    transition = _transition()
    assert transition.from_now_on_at(13.9).days_in_stage == 0
    assert transition.from_now_on_at(14.0).days_in_stage == 14
    assert transition.from_now_on_at(400).days_in_stage == 14


def test_an_embedding_goes_to_the_cluster_nearest_by_direction() -> None:
    clustering = _patterns().clustering
    far = np.array([[50.0, 1.0], [0.1, 0.2], [0.0, 0.0]])
    assert clustering.assign(far)[:2].tolist() == [0, 1]
    none = cp.Clustering(clusters=(), silhouette=None, stability=None, reason="two students")
    assert none.assign(far).tolist() == [-1, -1, -1]


def test_another_format_or_no_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(files.PatternsUnreadableError, match=r"patterns\.json"):
        files.read_patterns(tmp_path)
    with pytest.raises(files.PatternsUnreadableError, match=r"journeys\.parquet"):
        files.read_journeys(tmp_path)
    content = _patterns().model_dump(mode="json") | {"format": 99}
    (tmp_path / files.PATTERNS_FILE).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(files.PatternsUnreadableError, match="format 99"):
        files.read_patterns(tmp_path)


def test_a_pair_that_is_not_there_is_a_key_error() -> None:
    assert _patterns().transition("A", "B").reached == 1
    with pytest.raises(KeyError):
        _patterns().transition("B", "A")
