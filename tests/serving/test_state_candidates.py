"""Candidate features from a stored state, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from schemas import names
from serving.state_candidates import CatalogueRows, candidate_features, eligible, measured_at

DAY = 86_400_000_000
T = 100 * DAY
NONE = CatalogueRows.MISSING


def rows(
    *,
    ids: tuple[bytes, ...] = (b"e1", b"e2", b"e3"),
    types: tuple[bytes, ...] = (b"mail", b"visit", b"call"),
    available_from: tuple[int, ...] = (NONE, 98 * DAY, 101 * DAY),
    available_to: tuple[int, ...] = (NONE, 100 * DAY, NONE),
    due: tuple[int, ...] = (NONE, 103 * DAY, 99 * DAY),
) -> CatalogueRows:
    return CatalogueRows(
        {names.C_ID: np.array(ids, object), names.C_TYPE: np.array(types, object)},
        np.array(available_from, np.int64),
        np.array(available_to, np.int64),
        np.array(due, np.int64),
    )


STATE = {
    names.USED_ID: ["e2", "e9"],
    names.USED_COUNT: [3.0, 1.0],
    names.USED_COUNT_7: [1.0, 0.0],
    names.USED_COUNT_28: [2.0, 1.0],
    names.USED_MET: [5.0, 1.0],
    names.USED_DAYS_SINCE: [2.5, 30.0],
    names.TYPE_NAME: ["visit", "mail"],
    names.TYPE_ACTIVE_ALL: [3.0, 1.0],
    names.TYPE_ACTIVE_28: [2.0, 0.0],
    names.Q_ACTIVE[0]: 4.0,
}


def test_own_use_is_found_by_id_and_is_zero_where_never_met() -> None:
    features = candidate_features(STATE, rows(), t=T)
    assert features[names.C_OWN_COUNT].tolist() == [0, 3, 0]
    assert features[names.C_OWN_COUNT_7].tolist() == [0, 1, 0]
    assert features[names.C_OWN_COUNT_28].tolist() == [0, 2, 0]
    assert features[names.C_OWN_MET].tolist() == [0, 5, 0]
    assert features[names.C_OWN_DAYS_SINCE].tolist() == [0, 2.5, 0]


def test_own_type_is_the_share_of_active_events_of_that_type() -> None:
    features = candidate_features(STATE, rows(), t=T)
    assert features[names.C_OWN_TYPE_SHARE].tolist() == [0.25, 0.75, 0]
    assert features[names.C_OWN_TYPE_COUNT_28].tolist() == [0, 2, 0]


def test_calendar_counts_days_and_marks_what_is_unknown() -> None:
    features = candidate_features(STATE, rows(), t=T)
    assert features[names.C_AVAILABLE_KNOWN].tolist() == [0, 1, 1]
    assert features[names.C_DAYS_AVAILABLE].tolist() == [0, 2, -1]
    assert features[names.C_DUE_KNOWN].tolist() == [0, 1, 1]
    assert features[names.C_DAYS_TO_DUE].tolist() == [0, 3, -1]


def test_a_student_without_events_has_no_own_use() -> None:
    empty: dict[str, object] = {
        key: [] if isinstance(value, list) else 0.0 for key, value in STATE.items()
    }
    features = candidate_features(empty, rows(), t=T)
    for key in (names.C_OWN_COUNT, names.C_OWN_TYPE_SHARE, names.C_OWN_TYPE_COUNT_28):
        assert features[key].tolist() == [0, 0, 0]


def test_eligible_overlaps_the_window_with_the_end_excluded() -> None:
    # e2 closes at T itself, e3 opens one day later.
    assert eligible(rows(), t=T, window_days=7).tolist() == [True, False, True]
    assert eligible(rows(), t=T, window_days=1).tolist() == [True, False, False]


def test_take_keeps_columns_parallel() -> None:
    taken = rows().take(np.array([2, 0]))
    assert taken.features[names.C_ID].tolist() == [b"e3", b"e1"]
    assert taken.due.tolist() == [99 * DAY, NONE]
    assert len(taken) == 2


def test_a_scalar_where_a_list_belongs_is_refused() -> None:
    with pytest.raises(TypeError, match="must be a list"):
        candidate_features({**STATE, names.USED_ID: 3.0}, rows(), t=T)


def test_dates_are_longer_ago_the_later_it_is_and_missing_ones_stay_missing() -> None:
    made = "candidate_attribute_made"
    dated = CatalogueRows(
        {
            names.C_ID: np.array([b"e1", b"e2", b"e3"], object),
            made: np.array([10, 0, -3], np.float32),
            made + names.KNOWN_SUFFIX: np.array([1, 0, 1], np.float32),
        },
        rows().available_from,
        rows().available_to,
        rows().due,
    )
    later = measured_at(dated, [made], later=2 * DAY + DAY // 2)
    assert later.features[made].tolist() == [12.5, 0, -0.5]
    assert later.features[made].dtype == np.float32
    assert later.features[made + names.KNOWN_SUFFIX].tolist() == [1, 0, 1]
    assert measured_at(dated, [made], later=-DAY).features[made].tolist() == [9, 0, -4]
    assert dated.features[made].tolist() == [10, 0, -3]
