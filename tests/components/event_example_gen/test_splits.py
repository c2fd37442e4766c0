"""Which split each snapshot goes to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from components.event_example_gen.hashing import hash_texts
from components.event_example_gen.splits import (
    CALIBRATION,
    EVAL,
    LEFT_OUT,
    TRAIN,
    SplitPlan,
    plan_splits,
)
from components.event_example_gen.state import Snapshots
from schemas import names
from schemas.config import GoalpathConfig
from tests.components.event_example_gen.hand_made import day, days_of, event, make_tables, student
from tests.components.event_example_gen.in_memory import make_histories, make_reference, run
from tests.components.event_example_gen.test_hashing import hash_of, split_mix
from tests.sample_data import sample_config, sample_tables

SHARE = 0.25  # of students, for calibration, in the sample configuration
SEED = 1  # of training, by default


def config_of(**split: object) -> GoalpathConfig:
    return sample_config(
        cohorts=False, split={"method": "time", "calibration_share": SHARE, **split}
    )


def plan(config: GoalpathConfig, until: float, first: float = 0) -> SplitPlan:
    return plan_splits(config, first_snapshot=day(first), as_of=day(until))


def is_calibration(student_id: str, seed: int = SEED) -> bool:
    drawn = split_mix(split_mix(hash_of(student_id), seed), 1)
    return (drawn >> 11) / 2**53 < SHARE


def assigned(
    config: GoalpathConfig,
    how: SplitPlan,
    days: Sequence[float],
    *,
    student_id: str = "a",
    cohort: str | None = None,
) -> list[int]:
    """The split of snapshots of one student."""
    cohorts = None if cohort is None else [{"cohort": cohort, "starts": 0, "closes": 1}]
    tables = make_tables([student(student_id, cohort=cohort)], cohorts=cohorts)
    histories = make_histories(tables, make_reference(tables, config, day(1)))
    times = np.array([day(number) for number in days])
    return how.assign(histories.students, Snapshots(np.zeros(len(days), int), times)).tolist()


TRAINING_STUDENT = next(f"s{n}" for n in range(99) if not is_calibration(f"s{n}"))
CALIBRATION_STUDENT = next(f"s{n}" for n in range(99) if is_calibration(f"s{n}"))


def test_evaluation_takes_the_last_quarter_of_the_usable_days() -> None:
    # The longest horizon is 42 days: usable until day 140; 0.75 * 140 = 105.
    assert plan(config_of(), 182).evaluation_start == day(105)
    # As much later as the first snapshot is, and cut to its day: 10.5 + 0.75 * 140 = 115.5.
    assert plan(config_of(), 192.5, first=10.5).evaluation_start == day(115)
    assert plan(config_of(evaluation_share=0.5), 182).evaluation_start == day(70)


def test_the_usable_end_is_not_before_the_middle_of_the_data() -> None:
    # 60 - 42 is before the middle, day 30; 0.75 * 30 = 22.5, cut to its day.
    assert plan(config_of(), 60).evaluation_start == day(22)
    assert plan(config_of(), 84).evaluation_start == day(31)  # the middle itself: 0.75 * 42


def test_evaluation_may_begin_at_a_given_date() -> None:
    found = plan(config_of(evaluation_from=dt.date(2024, 3, 1)), 182)
    assert found.evaluation_start == day(60)  # 31 days of January and 29 of February


def test_the_embargo_is_the_longer_of_two_horizons_before_evaluation() -> None:
    config = config_of()
    found = assigned(config, plan(config, 182), [0, 84, 90.999, 91, 98, 104.999, 105, 181])
    assert [split in (TRAIN, CALIBRATION) for split in found[:3]] == [True] * 3
    assert found[3:6] == [LEFT_OUT] * 3  # day 91 + 14 is not before day 105
    assert found[6:] == [EVAL, EVAL]


def test_the_embargo_may_be_given() -> None:
    config = config_of(embargo_days=0)
    found = assigned(config, plan(config, 182), [104.999, 105], student_id=TRAINING_STUDENT)
    assert found == [TRAIN, EVAL]


def test_all_training_snapshots_of_a_calibration_student_calibrate() -> None:
    config = config_of()
    how = plan(config, 182)
    days = [0, 7, 84, 105]
    calibrating = assigned(config, how, days, student_id=CALIBRATION_STUDENT)
    training = assigned(config, how, days, student_id=TRAINING_STUDENT)
    assert calibrating == [CALIBRATION] * 3 + [EVAL]
    assert training == [TRAIN] * 3 + [EVAL]


@pytest.mark.parametrize("seed", [SEED, 5])
def test_calibration_students_are_drawn_by_hash_of_seed_and_id(seed: int) -> None:
    ids = [f"s{number:04d}" for number in range(4_000)]
    how = plan(sample_config(cohorts=False, training={"seed": seed}), 182)
    found = how.is_calibration(hash_texts(pa.array(ids)))
    assert found.tolist() == [is_calibration(student_id, seed) for student_id in ids]
    # Four standard errors of a share of a quarter of 4,000.
    assert found.mean() == pytest.approx(SHARE, abs=4 * np.sqrt(SHARE * (1 - SHARE) / 4_000))


def test_the_seed_draws_other_calibration_students() -> None:
    ids = [f"s{number:04d}" for number in range(40)]
    students = [student(student_id, entered_at=day(0)) for student_id in ids]
    tables = make_tables(students, [event(181, student=ids[0])])
    drawn = []
    for seed in (SEED, 5):
        output = run(tables, sample_config(cohorts=False, training={"seed": seed}), day(182))
        calibrating, training = (
            {row[names.STUDENT_ID] for row in output.examples[split]}
            for split in (names.CALIBRATION, names.TRAIN)
        )
        assert calibrating == {name for name in ids if is_calibration(name, seed)}
        assert training == set(ids) - calibrating
        drawn.append(calibrating)
    assert drawn[0] != drawn[1]


def test_no_student_is_in_training_and_calibration() -> None:
    config = sample_config(cohorts=True)
    output = run(sample_tables(cohorts=True, students=40), config, day(150))
    sides = [
        {row[names.STUDENT_ID] for row in output.examples[split]}
        for split in (names.TRAIN, names.CALIBRATION)
    ]
    assert sides[0]
    assert sides[1]
    assert not sides[0] & sides[1]


def test_cohorts_are_split_by_name() -> None:
    config = sample_config(cohorts=True)
    how = plan(config, 182)
    assert how.evaluation_start is None
    days = [0, 100, 181]
    train = {"student_id": TRAINING_STUDENT, "cohort": "2023"}
    assert assigned(config, how, days, **train) == [TRAIN] * 3
    calibration = {"student_id": CALIBRATION_STUDENT, "cohort": "2023"}
    assert assigned(config, how, days, **calibration) == [CALIBRATION] * 3
    for student_id in (TRAINING_STUDENT, CALIBRATION_STUDENT):
        options = {"student_id": student_id, "cohort": "2024"}
        assert assigned(config, how, days, **options) == [EVAL] * 3
        assert assigned(config, how, days, student_id=student_id, cohort="2022") == [LEFT_OUT] * 3
        assert assigned(config, how, days, student_id=student_id) == [LEFT_OUT] * 3


def test_a_student_may_be_of_a_cohort_that_has_no_dates() -> None:
    config = sample_config(cohorts=True)
    row = student("a", cohort="2024", entered_at=day(0))
    output = run(make_tables([row], [event(20)]), config, day(21))
    assert {split for split, _ in output.all_examples()} == {names.EVAL}
    assert days_of(output) == [0, 7, 14]


def test_labels_stop_at_the_start_of_evaluation_outside_of_it_only() -> None:
    how = plan(config_of(), 182)
    limits = how.barriers(np.array([TRAIN, CALIBRATION, EVAL, LEFT_OUT]))
    never = np.iinfo(np.int64).max
    assert limits.tolist() == [day(105), day(105), never, never]
    by_cohort = plan(sample_config(cohorts=True), 182)
    assert by_cohort.barriers(np.array([TRAIN, EVAL])).tolist() == [never, never]
