"""Nothing at or after t is in the features of a snapshot at t."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from schemas import names
from schemas.config import GoalpathConfig
from schemas.features import candidate_features, key_features, query_features
from tests.components.event_example_gen.hand_made import change, day, event
from tests.components.event_example_gen.in_memory import Output, Tables, run
from tests.sample_data import STAGES, sample_config, sample_tables

AS_OF = 150
CUT = 70  # a Monday, and a week's start of the later cohort
Key = tuple[str, int]


def config_of(*, cohorts: bool, cadence: str) -> GoalpathConfig:
    config = sample_config(cohorts=cohorts, cadence=cadence)
    if cohorts:
        return config
    # Without an embargo, so that there are snapshots on both sides of the cut.
    return sample_config(
        cohorts=False, cadence=cadence, split={"method": "time", "embargo_days": 0}
    )


def removed(tables: Tables) -> Tables:
    """Without all rows at or after the cut."""
    return {
        table: [row for row in rows if row[names.TIMESTAMP] < day(CUT)]
        if table in (names.EVENTS, names.STAGE_CHANGES)
        else rows
        for table, rows in tables.items()
    }


def appended(tables: Tables) -> Tables:
    """With rows of every student from the cut on: responses, stages and losses."""
    random = np.random.default_rng(5)
    rows: dict[str, list[Any]] = {table: list(of) for table, of in tables.items()}
    for row in tables[names.STUDENTS]:
        student = str(row[names.STUDENT_ID])
        # Every other student is lost, or may be at its last stage.
        ends = random.random() < 0.5
        responses = ["opened", "attended", "ignored", *["unsubscribed"] * ends]
        stages = [None, *STAGES[:3], *[STAGES[3], names.LOST] * ends]
        for number in (CUT, CUT, CUT + 1 / 86_400, CUT + 5 * random.random()):
            rows[names.EVENTS].append(
                event(
                    number,
                    f"e{random.integers(24):03d}",
                    str(random.choice(responses)),
                    student=student,
                    value=100.0,
                    stage_after=random.choice(stages),
                )
            )
        if names.STAGE_CHANGES in rows:
            stage = str(random.choice(stages[1:]))
            rows[names.STAGE_CHANGES].append(change(CUT, stage, student=student))
    return rows


def until_the_cut(output: Output, last: int) -> dict[Key, Mapping[str, Any]]:
    return {
        (row[names.STUDENT_ID], row[names.SNAPSHOT_TIME]): row
        for _, row in output.all_examples()
        if row[names.SNAPSHOT_TIME] <= last
    }


@pytest.mark.parametrize("cohorts", [True, False], ids=["cohorts", "no cohorts"])
@pytest.mark.parametrize("cadence", ["weekly", "every_event"])
@pytest.mark.parametrize("change_later", [removed, appended, lambda t: appended(removed(t))])
def test_rows_at_or_after_t_change_no_feature_at_t(
    cohorts: bool, cadence: str, change_later: Callable[[Tables], Tables]
) -> None:
    config = config_of(cohorts=cohorts, cadence=cadence)
    tables = sample_tables(cohorts=cohorts, students=24)
    # At the cut itself there is a snapshot by the week, and by events if there are events.
    last = day(CUT) - (cadence == "every_event")
    before = until_the_cut(run(tables, config, day(AS_OF)), last)
    after = until_the_cut(run(change_later(tables), config, day(AS_OF)), last)
    assert before.keys() == after.keys()
    assert max(t for _, t in before) > day(CUT - 7)
    query = [spec.key for spec in (*key_features(), *query_features(config))]
    candidate = [spec.key for spec in candidate_features(config)]
    shared = 0
    for key, row in before.items():
        other = after[key]
        assert {name: row[name] for name in query} == {name: other[name] for name in query}
        # Labels decide which candidates are listed; what is said of each must not change.
        for engagement in set(row[names.C_ID]) & set(other[names.C_ID]):
            places = (row[names.C_ID].index(engagement), other[names.C_ID].index(engagement))
            for name in candidate:
                assert row[name][places[0]] == other[name][places[1]], (key, engagement, name)
            shared += 1
    assert shared > len(before)


def test_what_comes_later_does_change_labels_and_later_features() -> None:
    # Else the test above could not fail.
    config = sample_config(cohorts=True)
    tables = sample_tables(cohorts=True, students=24)
    found = [run(made, config, day(AS_OF)) for made in (tables, appended(tables))]
    at_cut = [until_the_cut(output, day(CUT)) for output in found]
    later = [until_the_cut(output, day(AS_OF)) for output in found]
    assert any(
        row[names.RISK_LABEL] != at_cut[1][key][names.RISK_LABEL] for key, row in at_cut[0].items()
    )
    assert any(
        row[names.Q_EVENTS[0]] != later[1][key][names.Q_EVENTS[0]]
        for key, row in later[0].items()
        if key in later[1]
    )
